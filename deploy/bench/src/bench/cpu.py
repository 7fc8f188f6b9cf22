"""CPU time by process: what a hold costs, however busy the machine is with other things."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from atelier_local.stack import Stack
from bench.bench import SERVICES

TICKS = os.sysconf("SC_CLK_TCK")
Spent = dict[str, float]
BESIDE = ("sandbox", "door")


@dataclass(frozen=True)
class Processes:
    """The processes that a piece of work goes through, and under which name; several may have the same.

    What they started counts with them.
    """

    roots: Mapping[int, str]

    def spent(self) -> Spent:
        """Tell the CPU seconds each has used so far, in steps of a clock tick; ended children count."""
        spent = dict.fromkeys(self.roots.values(), 0.0)
        for name, _, seconds in self._all():
            spent[name] += seconds
        return spent

    def pids(self) -> Mapping[str, list[int]]:
        """Tell the numbers of all that run now, by name."""
        found: dict[str, list[int]] = {name: [] for name in self.roots.values()}
        for name, pid, _ in self._all():
            found[name].append(pid)
        return found

    def _all(self) -> Iterator[tuple[str, int, float]]:
        used, parents = {}, {}
        for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
            if (stat := _stat(pid)) is not None:
                parents[pid], used[pid] = stat
        for pid, seconds in used.items():
            if name := _owner(pid, parents, self.roots):
                yield name, pid, seconds


def processes_of(stack: Stack) -> Processes:
    """Name the processes that a job goes through, and the bench; replicas go by the name they share."""
    servers = {"RabbitMQ": stack.nodes.rabbitmq.pid(), "Postgres": stack.nodes.postgres.pid()}
    running = {pid: name for name, pid in servers.items() if pid is not None}
    ours = {stack.pid(one): name for name in (*SERVICES, *BESIDE) for one in stack.names(name)}
    return Processes({os.getpid(): "bench", **ours, **running})


def cost(before: Spent, after: Spent, pieces: int) -> Spent:
    """Tell the CPU milliseconds of a piece of work by process, and of all together."""
    each = {name: (after[name] - before[name]) * 1000 / pieces for name in before}
    return {**each, "all": sum(each.values())}


def _stat(pid: int) -> tuple[int, float] | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None  # it has just ended
    return int(fields[1]), sum(map(int, fields[11:15])) / TICKS


def _owner(pid: int, parents: Mapping[int, int], roots: Mapping[int, str]) -> str | None:
    """Find whose descendant a process is; the nearest of the roots counts."""
    while pid in parents:
        if pid in roots:
            return roots[pid]
        pid = parents[pid]
    return None
