"""What a stack occupies at a moment: memory of each process, rows and bytes of each table, what waits."""

import re
import urllib.request
from dataclasses import asdict, dataclass

from atelier_local.ports import HOST
from bench.bench import SERVICES, Bench
from bench.resident import resident

_QUEUE = re.compile(r'^atelier_queue_messages\{queue="([^"]+)"\} ([0-9.e+]+)$', re.MULTILINE)
_TABLES = """
    select schemaname || '.' || relname, pg_total_relation_size(relid) from pg_stat_user_tables
    where schemaname in ('gateway', 'credits', 'jobs', 'catalog', 'billing') order by 1
"""
_OLDEST = "select coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0) from {}.outbox"
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Sample:
    """Everything at `hours` after the beginning: megabytes, rows, bytes, messages, seconds."""

    hours: float
    pids: dict[str, int]
    memory: dict[str, float]
    rows: dict[str, int]
    bytes: dict[str, int]
    queues: dict[str, int]
    outboxes: dict[str, float]

    def as_json(self) -> dict[str, object]:
        """Everything, to be kept."""
        return asdict(self)


def look(bench: Bench, hours: float) -> Sample:
    """Look at everything."""
    pids = {name: bench.stack.pid(name) for name in (*SERVICES, "sandbox")}
    if (broker := bench.nodes.rabbitmq.pid()) is not None:
        pids["RabbitMQ"] = broker
    sizes = {name: int(size) for name, size in _rows(bench, _TABLES)}
    counts = " union all ".join(f"select '{name}', count(*) from {name}" for name in sizes)  # noqa: S608 - Postgres' own names
    owners = dict.fromkeys(name.partition(".")[0] for name in sizes)
    return Sample(
        hours=hours,
        pids=pids,
        memory={name: resident(pid) for name, pid in pids.items()},
        rows={name: int(count) for name, count in _rows(bench, counts)},
        bytes=sizes,
        queues=_queues(bench),
        outboxes={owner: float(_rows(bench, _OLDEST.format(owner))[0][0]) for owner in owners},
    )


def _rows(bench: Bench, sql: str) -> list[list[str]]:
    return [line.split("|") for line in bench.nodes.postgres.sql(sql, bench.stack.plan.database).splitlines()]


def _queues(bench: Bench) -> dict[str, int]:
    """Read how long each queue is, as its consumers tell."""
    found: dict[str, int] = {}
    for name in SERVICES:
        with _direct.open(f"http://{HOST}:{bench.stack.plan.ports[name]}/metrics", timeout=10) as answer:
            found |= {queue: int(float(count)) for queue, count in _QUEUE.findall(answer.read().decode())}
    return found
