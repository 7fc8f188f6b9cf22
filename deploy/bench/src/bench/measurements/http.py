"""POST /api/generate at a rate, while the provider holds what it gets."""

import asyncio
from collections.abc import Iterator
from itertools import cycle

from bench.bench import Bench
from bench.driving.crowd import on_time
from bench.driving.customers import Customer
from bench.driving.lines import Lines
from bench.figures import Promise, at_most, percentile

ACCEPTED = 202
PROMISED: dict[tuple[int, float], Promise] = {
    (50, 0.5): at_most(20),
    (50, 0.99): at_most(60),
    (100, 0.99): at_most(150),
}
RATES = (50, 100)


def measure(bench: Bench) -> None:
    """Measure each rate, open loop, timed from the scheduled moment until the credits are held."""
    bench.provider.hold_on()
    teams = cycle(bench.customers)
    asyncio.run(_at(bench, teams, RATES[0], 2))  # connections opened, plans made
    for rate in RATES:
        runs = [asyncio.run(_at(bench, teams, rate, bench.scale.seconds)) for _ in range(bench.scale.runs)]
        for share in (0.5, 0.99):
            figures = [percentile(run, share) for run, _ in runs]
            name = f"POST /api/generate at {rate}/s, p{share * 100:.0f}"
            bench.report.add(name, "ms", figures, PROMISED.get((rate, share)))
        errors = [float(failed) for _, failed in runs]
        bench.report.add(f"POST /api/generate at {rate}/s, errors", "", errors, at_most(0))


async def _at(bench: Bench, teams: Iterator[Customer], rate: int, seconds: float) -> tuple[list[float], int]:
    wishes = [next(teams).wish(f"a harbour, {n}") for n in range(int(rate * seconds))]
    lines = Lines(bench.stack.url)
    found = await on_time(lines, wishes, rate)
    lines.close()
    took = [after for after, _ in found]
    failed = sum(answer is None or answer.status != ACCEPTED for _, answer in found)
    bench.say(
        f"{rate}/s: p50 {percentile(took, 0.5):.1f} ms, p99 {percentile(took, 0.99):.1f} ms, {failed} failed"
    )
    return took, failed
