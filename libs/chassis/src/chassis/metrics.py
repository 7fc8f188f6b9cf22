"""What this process counts; shown on /metrics in Prometheus' format."""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES_HANDLED = Counter("atelier_messages_handled", "Messages handled", ["queue", "type", "outcome"])
BATCH_SIZE = Histogram(
    "atelier_batch_size", "Messages handled in one transaction", ["queue"], buckets=(1, 2, 5, 10, 20, 50, 100)
)
BATCH_SECONDS = Histogram(
    "atelier_batch_seconds",
    "How long a transaction with its messages took, waiting for outages included",
    ["queue"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
MESSAGES_SENT = Counter("atelier_messages_sent", "Messages confirmed by the broker", ["type"])
OUTBOX_OLDEST = Gauge("atelier_outbox_oldest_seconds", "Age of the oldest message not yet sent")
READY = Gauge("atelier_ready", "1 when the part of the process works", ["part"])
REPLAYED = Counter("atelier_ignored_total", "Late or repeated messages that changed nothing", ["what"])
QUEUED_MESSAGES = Gauge("atelier_queue_messages", "Messages that wait in a queue", ["queue"])
CONSUMERS = Gauge("atelier_queue_consumers", "Consumers of a queue, those of all processes", ["queue"])
PARKED_MESSAGES = Gauge("atelier_parked_messages", "Messages nobody could handle", ["queue"])
