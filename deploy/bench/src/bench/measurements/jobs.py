"""Jobs to completion, with a tiny picture and with a real one, and what one of them costs."""

import asyncio
from collections.abc import Sequence

from atelier_local.stack import Stack
from bench.bench import Bench
from bench.counters import Counters, Counts, each
from bench.cpu import Spent, cost, processes_of
from bench.driving.customers import Customer
from bench.driving.work import complete
from bench.figures import at_least

LEAST_TINY, LEAST_REAL = 60.0, 15.0
REAL_SHARE = 4
PROMPTS = ("a lighthouse above the sea at dusk", "a portrait by a window", "leaves after rain", "a harbour")


def measure(bench: Bench) -> None:
    """Measure both; the cost is that of a job with a tiny picture."""
    for picture, number, least in (
        ("tiny", bench.scale.jobs, LEAST_TINY),
        ("real", max(1, bench.scale.jobs // REAL_SHARE), LEAST_REAL),
    ):
        bench.provider.answer_at_once(tiny=picture == "tiny")
        found = completed(bench, bench.stack, bench.customers, number)
        rates, spent, counted = zip(*found, strict=True)
        bench.report.add(f"jobs completed, a {picture} picture", "/s", rates, at_least(least))
        bench.say(f"{picture}: {', '.join(f'{rate:.1f}' for rate in rates)} jobs/s")
        _report_cost(bench, picture, spent, counted)


def completed(
    bench: Bench, stack: Stack, customers: Sequence[Customer], number: int
) -> list[tuple[float, Spent, Counts]]:
    """Have so many jobs done in each run: how many a second, what each took of CPU, and what else."""
    asyncio.run(complete(stack, customers, max(8, number // 10), PROMPTS))  # drawn, warm
    return [asyncio.run(_one(bench, stack, customers, number)) for _ in range(bench.scale.runs)]


async def _one(
    bench: Bench, stack: Stack, customers: Sequence[Customer], number: int
) -> tuple[float, Spent, Counts]:
    counters, processes = Counters(stack), processes_of(stack)
    counts, before = await counters.read(), processes.spent()
    rate = await complete(stack, customers, number, PROMPTS)
    spent = cost(before, processes.spent(), number)
    bench.say(", ".join(f"{name} {each:.2f}" for name, each in spent.items()))
    return rate, spent, each(counts, await counters.read(), number)


def _report_cost(bench: Bench, picture: str, spent: Sequence[Spent], counted: Sequence[Counts]) -> None:
    for name in spent[0]:
        bench.report.add(f"  CPU a job, {name}, {picture}", "ms", [run[name] for run in spent])
    for name in counted[0]:
        bench.report.add(f"  {name} a job, {picture}", "", [run[name] for run in counted])
