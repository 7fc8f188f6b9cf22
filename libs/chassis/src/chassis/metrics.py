"""What this process counts; shown on /metrics in Prometheus' format."""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES_HANDLED = Counter("atelier_messages_handled", "Messages handled", ["queue", "type", "outcome"])
BATCH_SIZE = Histogram(
    "atelier_batch_size", "Messages handled in one transaction", ["queue"], buckets=(1, 2, 5, 10, 20, 50, 100)
)
MESSAGES_SENT = Counter("atelier_messages_sent", "Messages confirmed by the broker", ["type"])
OUTBOX_OLDEST = Gauge("atelier_outbox_oldest_seconds", "Age of the oldest message not yet sent")
READY = Gauge("atelier_ready", "1 when the part of the process works", ["part"])
REPLAYED = Counter("atelier_ignored_total", "Late or repeated messages that changed nothing", ["what"])
PARKED_MESSAGES = Gauge("atelier_parked_messages", "Messages nobody could handle", ["queue"])
