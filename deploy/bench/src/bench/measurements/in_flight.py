"""Ten thousand jobs at the provider at a time: what they take in memory, and whether all still answer."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from itertools import cycle

from atelier_local.ports import HOST
from bench.bench import SERVICES, Bench
from bench.driving.crowd import together
from bench.driving.customers import Customer
from bench.driving.lines import Lines, written
from bench.figures import at_most, percentile
from bench.resident import resident

MOST_GROWTH = 100.0
BATCH, CLIENTS = 20, 4
LOOK_EVERY, STUCK_AFTER = 0.5, 60.0
PROBE_EVERY = 0.05
REST = 10.0


def measure(bench: Bench) -> None:
    """Measure once; the jobs stay in flight when it is over."""
    bench.provider.hold_on()
    teams = cycle(bench.customers)
    asyncio.run(_ask(bench, teams, BATCH * CLIENTS))
    before, already = _memory(bench), bench.provider.summary()["running"]
    lags, passed = asyncio.run(_fill(bench, teams, already))
    after = _memory(bench)
    growth = {name: after[name] - before[name] for name in SERVICES}
    jobs = f"{bench.scale.in_flight:,} jobs in flight"
    bench.report.add(f"{jobs}: growth of all services", "MB", [sum(growth.values())], at_most(MOST_GROWTH))
    for name in SERVICES:
        bench.report.add(f"  growth, {name}", "MB", [growth[name]])
        bench.report.add(f"  lag of the event loop, {name}, p99", "ms", [percentile(lags[name], 0.99)])
        bench.report.add(f"  lag of the event loop, {name}, longest", "ms", [max(lags[name])])
    bench.report.add(f"{jobs}: submitted", "/s", [bench.scale.in_flight / passed])


async def _fill(
    bench: Bench, teams: Iterator[Customer], already: int
) -> tuple[Mapping[str, list[float]], float]:
    """Put the jobs in flight, and ask each process all the time whether it is alive."""
    lags: dict[str, list[float]] = {name: [] for name in SERVICES}
    probes = [asyncio.create_task(_probe(bench, name, lags[name])) for name in SERVICES]
    began = time.perf_counter()
    await _ask(bench, teams, bench.scale.in_flight)
    await _all_running(bench, already + bench.scale.in_flight)
    passed = time.perf_counter() - began
    await asyncio.sleep(REST)
    for probe in probes:
        probe.cancel()
    return lags, passed


async def _ask(bench: Bench, teams: Iterator[Customer], number: int) -> None:
    lines = Lines(bench.stack.url)
    batches = [[f"a harbour, {n + m}" for m in range(BATCH)] for n in range(0, number, BATCH)]
    wishes = [
        team.post("/api/generate", team.recipe(prompts=batch))
        for team, batch in zip(teams, batches, strict=False)
    ]
    for answer in await together(lines, wishes, CLIENTS):
        answer.json()
    lines.close()


async def _all_running(bench: Bench, wanted: int) -> None:
    known, since = 0, time.perf_counter()
    while known < wanted:
        await asyncio.sleep(LOOK_EVERY)
        now = (await asyncio.to_thread(bench.provider.summary))["running"]
        if now > known:
            known, since = now, time.perf_counter()
        elif time.perf_counter() - since > STUCK_AFTER:
            raise TimeoutError(f"{wanted - known} of {wanted} jobs do not reach the provider")


async def _probe(bench: Bench, name: str, lags: list[float]) -> None:
    """Note how long the plainest answer takes: it waits for whatever else the loop does."""
    lines = Lines(f"http://{HOST}:{bench.stack.plan.ports[name]}")
    while True:
        began = time.perf_counter()
        await lines.ask(written("GET", "/health/live"))
        lags.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(PROBE_EVERY)


def _memory(bench: Bench) -> Mapping[str, float]:
    return {name: resident(bench.stack.pid(name)) for name in SERVICES}
