"""A steady load for an hour: what grows meanwhile, in memory, tables, queues and outboxes."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from bench.bench import SERVICES, Bench
from bench.driving.steady import Steady
from bench.figures import Report, at_most
from bench.keeping import HISTORY, PRUNED
from bench.trend import Point, settled, slope
from bench.watching import Sample, look

MOST_MEMORY = 10.0
"""Megabytes an hour; what is below is the allocator's and the noise of the machine."""
MOST_ROWS = 60.0
"""Rows an hour that a table of things that come and go may seem to grow by."""
MOST_WAITING, OLDEST = 100.0, 30.0
WARM_UP = 0.5
"""Of the time: the gateway remembers 10,000 signed links, which fills up until then."""
LOOK_EVERY = 60.0
DONE_WITHIN = 120.0
IMAGE_SECONDS, TRAINING_SECONDS, TINY = 0.5, 2.0, 64
_OPEN = "select count(*) from jobs.jobs where state not in ('completed', 'failed', 'cancelled', 'expired')"
_AUDITS = (("credits", "verify"), ("gateway", "audit"))


def measure(bench: Bench) -> None:
    """Load for `minutes` at `rate` jobs a second, look each minute, and say what grows."""
    customers = bench.customers
    bench.provider.behave(image_seconds=IMAGE_SECONDS, training_seconds=TRAINING_SECONDS, tiny_images=TINY)
    load = Steady(bench.stack.url, customers, bench.scale.rate)
    samples = asyncio.run(_watched(bench, load))
    bench.report.samples += [sample.as_json() for sample in samples]
    report_memory(bench.report, samples)
    report_tables(bench.report, samples)
    _report_waiting(bench.report, samples)
    _report_end(bench, load, samples)


async def _watched(bench: Bench, load: Steady) -> list[Sample]:
    began, seconds = time.monotonic(), bench.scale.minutes * 60
    loading = asyncio.create_task(load.run(seconds))
    samples: list[Sample] = []
    # A shorter run is looked at more often: a line needs points.
    every = min(LOOK_EVERY, seconds / 20)
    while not loading.done():
        hours = (time.monotonic() - began) / 3600
        samples.append(await asyncio.to_thread(look, bench, hours))
        bench.say(_line(samples[-1], load))
        await asyncio.wait([loading], timeout=max(0.0, len(samples) * every - (time.monotonic() - began)))
    await loading
    return samples


def _line(sample: Sample, load: Steady) -> str:
    memory = " ".join(f"{name} {sample.memory[name]:.1f}" for name in SERVICES)
    waiting, oldest = sum(sample.queues.values()), max(sample.outboxes.values())
    asked = sum(load.answers.values())
    return (
        f"{sample.hours * 60:5.1f} min: MB {memory}; {waiting} wait, outbox {oldest:.1f} s; {asked} answers"
    )


def _points(samples: Sequence[Sample], of: Callable[[Sample], Mapping[str, float]], name: str) -> list[Point]:
    return settled([(sample.hours, of(sample).get(name, 0.0)) for sample in samples], WARM_UP)


def report_memory(report: Report, samples: Sequence[Sample]) -> None:
    """Report how much each process grows in an hour, once it is warm."""
    for name in samples[-1].memory:
        points = _points(samples, lambda sample: sample.memory, name)
        limit = at_most(MOST_MEMORY) if name in SERVICES else None
        report.add(f"memory, {name}", "MB", [value for _, value in points])
        report.add(f"  growth an hour, {name}", "MB", [slope(points)], limit)


def report_tables(report: Report, samples: Sequence[Sample]) -> None:
    """Report each table that grows; one that nothing prunes and nobody wants to keep is a finding."""
    for name in samples[-1].rows:
        rows = slope(_points(samples, lambda sample: sample.rows, name))
        if rows <= MOST_ROWS:
            continue
        known = HISTORY.get(name) or PRUNED.get(name)
        limit = None if known else at_most(MOST_ROWS)
        report.add(f"rows an hour, {name}", known or "(nothing prunes it)", [rows], limit)
        size = slope(_points(samples, lambda sample: sample.bytes, name)) / 1e6
        report.add(f"  bytes an hour, {name}", "MB", [size])


def _report_waiting(report: Report, samples: Sequence[Sample]) -> None:
    warm = [sample for sample in samples if sample.hours >= samples[-1].hours * WARM_UP]
    waiting = [float(sum(sample.queues.values())) for sample in warm]
    report.add("messages that wait in queues", "", waiting, at_most(MOST_WAITING))
    for owner in samples[-1].outboxes:
        report.add(
            f"oldest in the outbox, {owner}",
            "s",
            [sample.outboxes[owner] for sample in warm],
            at_most(OLDEST),
        )


def _report_end(bench: Bench, load: Steady, samples: Sequence[Sample]) -> None:
    bench.say(", ".join(f"{what}: {times}" for what, times in sorted(load.answers.items())))
    bench.report.add("answers that were no good", "", [sum(load.failed.values())], at_most(0))
    begun, ended = samples[0].pids, samples[-1].pids
    bench.report.add(
        "processes that ended", "", [sum(begun[name] != ended[name] for name in begun)], at_most(0)
    )
    bench.report.add("jobs that did not end", "", [_left(bench)], at_most(0))
    found = [bench.stack.command(*words).returncode for words in _AUDITS]
    bench.report.add("audits that found something", "", [sum(map(bool, found))], at_most(0))


def _left(bench: Bench) -> float:
    """Give what is under way some time to end; tell how many jobs did not."""
    deadline = time.monotonic() + DONE_WITHIN
    while (
        left := int(bench.nodes.postgres.sql(_OPEN, bench.stack.plan.database))
    ) and time.monotonic() < deadline:
        time.sleep(1)
    return left
