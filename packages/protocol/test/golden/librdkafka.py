"""Drives librdkafka through confluent-kafka for capture.ts. Usage: librdkafka.py BOOTSTRAP"""

import sys
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType

bootstrap = sys.argv[1]
topic, group = 'golden-librdkafka', 'golden-librdkafka-group'
common = {'bootstrap.servers': bootstrap, 'client.id': 'librdkafka'}
admin = AdminClient(common)


def done(futures):
    for future in futures.values() if isinstance(futures, dict) else [futures]:
        future.result()


def consume(count, group_id, **settings):
    consumer = Consumer({**common, 'group.id': group_id, 'auto.offset.reset': 'earliest', **settings})
    consumer.subscribe([topic])
    seen = 0
    for _ in range(100):
        seen += consumer.poll(0.1) is not None
        if seen >= count:
            break
    if seen > 0:
        consumer.commit(asynchronous=False)
    consumer.close()


done(admin.create_topics([NewTopic(topic, 1, 1, config={'retention.ms': '60000'})]))
done(admin.create_partitions([NewPartitions(topic, 2)]))
for codec in ['none', 'gzip', 'snappy', 'lz4', 'zstd']:
    producer = Producer({**common, 'enable.idempotence': True, 'compression.type': codec})
    for i in range(3):
        producer.produce(topic, key=codec, value='a value that repeats, ' * 8, headers={'origin': 'librdkafka'}, partition=0)
    producer.flush()
consume(15, group)
producer.produce(topic, key='later', value='one more', partition=0)
producer.flush()
consume(1, group)
consume(1, group + '-static', **{'group.instance.id': 'fixed', 'isolation.level': 'read_committed'})
# An assignment with a leader epoch is validated by OffsetForLeaderEpoch before the first fetch.
validated = Consumer({**common, 'group.id': group + '-unused'})
validated.assign([TopicPartition(topic, 0, 1, leader_epoch=0)])
validated.poll(2)
validated.close()
done(admin.list_offsets({TopicPartition(topic, 0): OffsetSpec.max_timestamp()}))
done(admin.describe_topics(TopicCollection([topic]), include_authorized_operations=True))
done(admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]))
done(admin.describe_cluster(include_authorized_operations=True))
done(admin.list_consumer_groups())
done(admin.describe_consumer_groups([group]))
done(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
done(admin.delete_consumer_groups([group]))
done(admin.delete_topics([topic]))
