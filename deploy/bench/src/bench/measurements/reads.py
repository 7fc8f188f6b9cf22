"""Reads of a completed job with four images and of a list, beside a bare FastAPI served the same way."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice

import uvloop

from atelier_local.errors import CannotStart
from atelier_local.ports import HOST, free_run
from atelier_local.processes import clean_environment, wait_until
from atelier_local.stack import Stack
from bench.bench import FOLDER, Bench
from bench.cpu import Processes, Spent, cost
from bench.driving.crowd import together
from bench.driving.customers import Customer
from bench.driving.lines import Lines, written
from bench.driving.work import ended, jobs_of
from bench.figures import Baseline, Promise, at_least

LEAST = 1_500.0
CLIENTS, IMAGES, PAGE, JOBS = 16, 4, 20, 40
OK = 200
READY_IN = 20.0


@dataclass(frozen=True)
class Target:
    """Who is asked, and for what, in turn; and whose CPU it takes."""

    name: str
    processes: Processes
    url: str
    requests: Sequence[bytes]


def measure(bench: Bench) -> None:
    """Measure each; a run of ours is followed by one of the others, so that all meet the same machine."""
    bench.provider.answer_at_once(tiny=True)
    customer = bench.customers[0]
    jobs = asyncio.run(drawn(bench.stack, customer))
    with _bare(bench) as (url, pid):
        gateway = Processes({bench.stack.pid("gateway"): "gateway"}), bench.stack.url
        bare = Processes({pid: "bare"})
        single = (
            Target("gateway", *gateway, [customer.get(f"/api/generate/{job}") for job in jobs]),
            Target("bare FastAPI + asyncpg", bare, url, [written("GET", f"/read/{job}") for job in jobs]),
            Target("bare FastAPI", bare, url, [written("GET", f"/bare/{job}") for job in jobs]),
        )
        page = (
            Target("gateway", *gateway, [customer.get(f"/api/jobs?limit={PAGE}")]),
            Target("bare FastAPI + asyncpg", bare, url, [written("GET", f"/list/{customer.team_id}/{PAGE}")]),
        )
        reads = bench.scale.reads
        _compare(bench, f"GET of a completed job, {IMAGES} images", single, reads, at_least(LEAST))
        _compare(bench, f"GET of a list of {PAGE} jobs", page, reads // 8, None)


async def drawn(stack: Stack, customer: Customer) -> list[str]:
    """Have jobs of four images done, that are read afterwards."""
    lines = Lines(stack.url)
    wishes = [customer.wish(f"a harbour, {n}", IMAGES) for n in range(JOBS)]
    jobs = [job for answer in await together(lines, wishes, 8) for job in jobs_of(answer)]
    lines.close()
    await ended(stack, jobs)
    return jobs


def _compare(
    bench: Bench, name: str, targets: Sequence[Target], number: int, promise: Promise | None
) -> None:
    rates: dict[str, list[float]] = {target.name: [] for target in targets}
    costs: dict[str, list[float]] = {target.name: [] for target in targets}
    clients: list[float] = []
    for target in targets:
        uvloop.run(rate_of(target, number // 10))
    for _ in range(bench.scale.runs):
        for target in targets:
            rate, spent, own = uvloop.run(rate_of(target, number))
            rates[target.name].append(rate)
            costs[target.name].append(spent["all"])
            clients.append(own)
    for target in targets:
        ours = target is targets[0]
        beside = None if ours else Baseline("here", tuple(rates[targets[0].name]))
        label = name if ours else f"  {target.name}"
        bench.report.add(label, "/s", rates[target.name], promise if ours else None, beside)
        bench.report.add(f"  CPU a GET, {target.name}", "ms", costs[target.name])
        bench.say(f"{label}: {', '.join(f'{rate:,.0f}' for rate in rates[target.name])} /s, "
            f"{min(costs[target.name]):.2f} ms")  # fmt: skip
    bench.report.add("  CPU a GET, the client itself", "ms", clients)


async def rate_of(target: Target, number: int) -> tuple[float, Spent, float]:
    """Ask so often; returns answers a second, and the milliseconds of CPU each took its processes and us."""
    lines = Lines(target.url)
    asked = islice(cycle(target.requests), number)
    before, began, own = target.processes.spent(), time.perf_counter(), time.process_time()
    answers = await together(lines, asked, CLIENTS)
    passed, after = time.perf_counter() - began, target.processes.spent()
    own = time.process_time() - own
    lines.close()
    if wrong := [answer for answer in answers if answer.status != OK]:
        raise RuntimeError(f"{target.name} answered {wrong[0].status}: {wrong[0].body[:300].decode()}")
    return number / passed, cost(before, after, number), own * 1000 / number


@contextmanager
def _bare(bench: Bench) -> Iterator[tuple[str, int]]:
    port, dsn = free_run(), bench.nodes.postgres.dsn(bench.stack.plan.database)
    with (FOLDER / "bare.log").open("wb") as log:
        words = [sys.executable, "-m", "bench.driving.bare", str(port), dsn]
        process = subprocess.Popen(words, env=clean_environment(), stdout=log, stderr=log)
    try:
        if not wait_until(lambda: _serves(port), READY_IN):
            raise CannotStart(f"the bare FastAPI did not become ready: see {FOLDER / 'bare.log'}")
        yield f"http://{HOST}:{port}", process.pid
    finally:
        process.terminate()
        process.wait(20)


def _serves(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
