"""A plain loader in Python, to compare with: confluent-kafka, the raw bytes of each record, one HTTP insert a batch. Keeps none of the promises.

Arguments: topic, database, table, records; KAFKA_BROKERS and CLICKHOUSE_URL from the environment. Prints the rows as JSON.
"""
import json
import os
import sys
import urllib.parse
import urllib.request

from confluent_kafka import Consumer

BATCH_ROWS = 100_000
FRAME_HEAD_BYTES = 5
topic, database, table, records = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
query = urllib.parse.urlencode({"query": f"INSERT INTO `{database}`.`{table}` FORMAT JSONEachRow"})
url = f"{os.environ['CLICKHOUSE_URL'].rstrip('/')}/?{query}"

consumer = Consumer({
    "bootstrap.servers": os.environ["KAFKA_BROKERS"],
    "group.id": f"plain-{table}-{os.getpid()}",
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
})
consumer.subscribe([topic])
rows, loaded = [], 0
while loaded < records:
    for message in consumer.consume(10_000, timeout=0.2):
        value = message.value()
        if value is not None:
            rows.append(value[FRAME_HEAD_BYTES:])
    if len(rows) >= BATCH_ROWS or loaded + len(rows) >= records:
        with urllib.request.urlopen(urllib.request.Request(url, data=b"\n".join(rows), method="POST")) as answer:
            answer.read()
        loaded += len(rows)
        rows = []
        consumer.commit(asynchronous=True)
consumer.close()
print(json.dumps({"rows": loaded}))
