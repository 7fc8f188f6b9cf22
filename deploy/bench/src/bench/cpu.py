"""CPU time by process: what a hold costs, however busy the machine is with other things."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
Spent = dict[str, float]


@dataclass(frozen=True)
class Processes:
    """The processes that a hold goes through, by name; what they started counts with them."""

    roots: Mapping[str, int]

    def spent(self) -> Spent:
        """Tell the CPU seconds each has used so far, in steps of a clock tick; ended children count."""
        used, parents = {}, {}
        for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
            if (stat := _stat(pid)) is not None:
                parents[pid], used[pid] = stat
        mine = {root: name for name, root in self.roots.items()}
        spent = dict.fromkeys(self.roots, 0.0)
        for pid, seconds in used.items():
            if name := _owner(pid, parents, mine):
                spent[name] += seconds
        return spent


def cost(before: Spent, after: Spent, holds: int) -> Spent:
    """Tell the CPU milliseconds a hold by process, and of all together."""
    each = {name: (after[name] - before[name]) * 1000 / holds for name in before}
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
