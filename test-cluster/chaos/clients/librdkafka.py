"""librdkafka, producing or consuming until its standard input ends. The job is the first argument, as JSON. Lines on
standard output, times in milliseconds of the monotonic clock:
    + PARTITION SEQUENCE OFFSET TIME      acknowledged
    - PARTITION SEQUENCE TIME ERROR       failed for good
    < TOPIC PARTITION OFFSET SEQUENCE TIME  read; SEQUENCE is ? when the value is none of ours
    c TOPIC PARTITION OFFSET              a commit was acknowledged
    ~ TIME ERROR                          the client's error callback
    = PARTITION SENT                      the end: so many were sent
"""
import json
import re
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, Producer

job = json.loads(sys.argv[1])
stopping = threading.Event()
IN_FLIGHT_MAX = 200
FLUSH_S = 180


def now():
    return f"{time.monotonic() * 1000:.1f}"


def say(*words):
    sys.stdout.write(" ".join(str(word).replace("\n", " ") for word in words) + "\n")
    sys.stdout.flush()


def value_of(sequence):
    return f"{sequence}:" + "x" * (sequence * 7919 % 400)


def sequence_of(value):
    match = re.match(rb"(\d+):", value or b"")
    known = match and value == value_of(int(match[1])).encode()
    return int(match[1]) if known else "?"


class Load:
    def __init__(self):
        self.sent = {partition: 0 for partition in job["partitions"]}
        self.in_flight = {partition: 0 for partition in job["partitions"]}
        self.fatal = False

    def on_error(self, error):
        say("~", now(), error)
        self.fatal = self.fatal or error.fatal()

    def on_delivery(self, partition, sequence):
        def report(error, message):
            self.in_flight[partition] -= 1
            if error is None:
                say("+", partition, sequence, message.offset(), now())
            else:
                say("-", partition, sequence, now(), error)

        return report

    def send(self, producer):
        for partition, sequence in self.sent.items():
            if self.in_flight[partition] >= IN_FLIGHT_MAX:
                continue
            producer.produce(
                job["topic"],
                value_of(sequence).encode(),
                partition=partition,
                on_delivery=self.on_delivery(partition, sequence),
            )
            self.sent[partition] += 1
            self.in_flight[partition] += 1

    def run(self):
        # A producer that broke for good is replaced by a new one, as an application would.
        while not stopping.is_set():
            self.fatal = False
            producer = Producer({**job["settings"], "error_cb": self.on_error})
            while not stopping.is_set() and not self.fatal:
                self.send(producer)
                producer.poll(0)
                time.sleep(job["intervalMs"] / 1000)
                producer.poll(0)
            producer.flush(FLUSH_S)
        for partition, sent in self.sent.items():
            say("=", partition, sent)


def on_commit(error, partitions):
    if error is not None:
        return
    for part in partitions or []:
        if part.error is None and part.offset >= 0:
            say("c", part.topic, part.partition, part.offset)


def consume():
    consumer = Consumer(
        {**job["settings"], "on_commit": on_commit, "error_cb": lambda error: say("~", now(), error)}
    )
    consumer.subscribe(job["topics"])
    commit_at = time.monotonic()
    while not stopping.is_set():
        message = consumer.poll(0.2)
        if message is not None and message.error() is not None:
            if message.error().code() != KafkaError._PARTITION_EOF:
                say("~", now(), message.error())
        elif message is not None:
            sequence = sequence_of(message.value())
            say("<", message.topic(), message.partition(), message.offset(), sequence, now())
        if message is not None and time.monotonic() >= commit_at:
            consumer.commit(asynchronous=True)
            commit_at = time.monotonic() + job["commitMs"] / 1000
    consumer.close()


def wait_for_the_end():
    sys.stdin.read()
    stopping.set()


threading.Thread(target=wait_for_the_end, daemon=True).start()
if "topics" in job:
    consume()
else:
    Load().run()
