"""POST /api/generate at a rate, while the provider holds what it gets."""

import asyncio
from collections.abc import Sequence
from itertools import cycle, islice

from bench.bench import Bench
from bench.driving.crowd import on_time
from bench.driving.customers import Customer
from bench.driving.lines import Lines, Turns
from bench.figures import Promise, at_most, percentile

ACCEPTED = 202
PROMISED: dict[tuple[int, float], Promise] = {
    (50, 0.5): at_most(20),
    (50, 0.99): at_most(60),
    (100, 0.99): at_most(150),
}
RATES = (50, 100)
WARM_UP = 2.0


def measure(bench: Bench) -> None:
    """Measure each rate, open loop, timed from the scheduled moment until the credits are held."""
    bench.provider.hold_on()
    teams = bench.customers
    asyncio.run(_at(bench, teams, RATES[0], WARM_UP))  # connections opened, plans made
    for rate in RATES:
        runs = [asyncio.run(_at(bench, teams, rate, bench.scale.seconds)) for _ in range(bench.scale.runs)]
        for share in (0.5, 0.99):
            figures = [percentile(run, share) for run, _ in runs]
            name = f"POST /api/generate at {rate}/s, p{share * 100:.0f}"
            bench.report.add(name, "ms", figures, PROMISED.get((rate, share)))
        errors = [float(failed) for _, failed in runs]
        bench.report.add(f"POST /api/generate at {rate}/s, errors", "", errors, at_most(0))


async def _at(bench: Bench, teams: Sequence[Customer], rate: int, seconds: float) -> tuple[list[float], int]:
    found = await posted(Lines(bench.stack.url), teams, rate, seconds)
    bench.say(said(rate, *found))
    return found


async def posted(
    lines: Lines | Turns, customers: Sequence[Customer], rate: int, seconds: float
) -> tuple[list[float], int]:
    """Ask so often a second: the milliseconds until each was answered, and how many were not accepted."""
    teams = islice(cycle(customers), int(rate * seconds))
    wishes = [team.wish(f"a harbour, {n}") for n, team in enumerate(teams)]
    found = await on_time(lines, wishes, rate)
    lines.close()
    took = [after for after, _ in found]
    return took, sum(answer is None or answer.status != ACCEPTED for _, answer in found)


def said(rate: int, took: Sequence[float], failed: int) -> str:
    """Say in a line what was found."""
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    return f"{rate}/s: p50 {p50:.1f} ms, p99 {p99:.1f} ms, {failed} failed"
