"""Produces 0, 1, 2, ... to partition 0 of a topic by librdkafka, one record every few milliseconds, until its standard
input ends. Lines on standard output, times in milliseconds of the monotonic clock:
    + SEQUENCE TIME           acknowledged
    ! SEQUENCE TIME ERROR     failed for good
    ~ TIME ERROR              the client's error callback
    = SENT                    the end: so many were sent
"""
import json
import sys
import threading
import time

from confluent_kafka import Producer

job = json.loads(sys.argv[1])
lock = threading.Lock()
stop = threading.Event()


def now():
    return time.monotonic() * 1000


def say(line):
    with lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def delivered(error, message):
    sequence = message.value().decode()
    if error is None:
        say(f"+ {sequence} {now():.3f}")
    else:
        say(f"! {sequence} {now():.3f} {error.name()} {error.str()}")


producer = Producer(
    {
        "bootstrap.servers": job["bootstrap"],
        "acks": "all",
        "enable.idempotence": True,
        "error_cb": lambda error: say(f"~ {now():.3f} {error.name()} {error.str()}"),
        **job["settings"],
    },
    # What librdkafka would log about lost connections is told by the error callback.
    logger=None if job.get("verbose") else __import__("logging").getLogger("librdkafka"),
)


def wait_for_end():
    sys.stdin.read()
    stop.set()


threading.Thread(target=wait_for_end, daemon=True).start()
interval = job["intervalMs"] / 1000
sequence = 0
due = time.monotonic()
while not stop.is_set():
    # Falls behind rather than catching up in a burst, should this process have been kept from running.
    due = max(due + interval, time.monotonic())
    try:
        producer.produce(job["topic"], value=str(sequence).encode(), partition=0, on_delivery=delivered)
        sequence += 1
    except BufferError:
        pass
    producer.poll(max(0, due - time.monotonic()))
    rest = due - time.monotonic()
    while rest > 0:
        producer.poll(rest)
        rest = due - time.monotonic()
producer.flush(job["flushMs"] / 1000)
say(f"= {sequence}")
