"""The broker that Kafka's client brings along for tests, as a process: prints its addresses, then serves for ever."""

import signal

from confluent_kafka import Producer

BROKERS = 3
LOOK_S = 10.0


def main() -> None:
    producer = Producer({"test.mock.num.brokers": BROKERS, "log_level": 0})
    brokers = producer.list_topics(timeout=LOOK_S).brokers.values()
    print(",".join(f"{each.host}:{each.port}" for each in brokers), flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
