"""What work costs beside CPU: messages, transactions, bytes."""

import asyncio
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from atelier_local.ports import HOST
from atelier_local.stack import Stack

Counts = Mapping[str, float]
TOLD_AFTER = 1.5
"""Seconds in which Postgres' backends tell what they did."""
_SENT = re.compile(r"^atelier_messages_sent_total\{.*\} ([0-9.e+]+)$", re.MULTILINE)
_WRITTEN = "select pg_current_wal_lsn() - '0/0'"
_COMMITTED = "select xact_commit + xact_rollback from pg_stat_database where datname = '{database}'"
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Counters:
    """The counters of one stack."""

    stack: Stack

    async def read(self) -> Counts:
        """Read all of them; waits until Postgres has told what it did."""
        await asyncio.sleep(TOLD_AFTER)
        return await asyncio.to_thread(self._read)

    def _read(self) -> Counts:
        plan, nodes = self.stack.plan, self.stack.nodes
        committed = _COMMITTED.format(database=plan.database)
        rows = nodes.rabbitmq.ctl("list_connections", "-q", "-p", plan.vhost, "recv_oct", "send_oct")
        octets = sum(int(word) for word in rows.split() if word.isdigit())
        return {
            "messages": sum(map(self._sent, self.stack.processes())),
            "transactions": float(nodes.postgres.sql(committed)),
            "kB of WAL": float(nodes.postgres.sql(_WRITTEN)) / 1000,
            "kB over the bus": octets / 1000,
        }

    def _sent(self, name: str) -> float:
        url = f"http://{HOST}:{self.stack.plan.ports[name]}/metrics"
        with _direct.open(url, timeout=10) as answer:
            return sum(map(float, _SENT.findall(answer.read().decode())))


def each(before: Counts, after: Counts, pieces: int) -> Counts:
    """Tell what one piece of work cost."""
    return {name: (after[name] - before[name]) / pieces for name in before}
