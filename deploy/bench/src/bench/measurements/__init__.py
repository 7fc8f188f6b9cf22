"""What is measured: one file each, in the order in which one disturbs the other least."""

from collections.abc import Callable, Mapping

from bench.bench import Bench
from bench.measurements import (
    growth,
    holds,
    http,
    in_flight,
    jobs,
    memory,
    reads,
    ready,
    replicas,
    soak,
    webhooks,
)

Measurement = Callable[[Bench], None]
MEASUREMENTS: Mapping[str, Measurement] = {
    "holds": holds.measure,
    "ready": ready.measure,
    "webhooks": webhooks.measure,
    "reads": reads.measure,
    "jobs": jobs.measure,
    "http": http.measure,
    "memory": memory.measure,
    "soak": soak.measure,
    "in-flight": in_flight.measure,  # last: what it puts in flight stays there
    "growth": growth.measure,
    "replicas": replicas.measure,
}
ALONE = frozenset({"growth", "replicas", "soak"})
"""What takes long, or much of the disk or of the machine, and is measured when it is asked for."""
