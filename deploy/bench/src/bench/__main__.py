"""`python -m bench`: measures on nodes of its own, prints a table, exits with 1 when a promise is missed."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from atelier_local.errors import CannotStart
from bench import baselines, load, place
from bench.cpu import Processes, Spent, cost
from bench.figures import Report, percentile
from bench.machine import describe
from bench.place import FOLDER, Place

LEAST_HOLDS = 2_000.0
LEAST_TIMES = 3.0
MANY = 1_000


@dataclass(frozen=True)
class Scale:
    """How much is measured: holds in each run, and how many runs."""

    holds: int
    runs: int


def main() -> int:
    """Measure, print, keep; 1 when something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--holds", type=int, default=10_000, help="holds in each run (default: 10000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each measurement (default: 3)")
    options = parser.parse_args()
    try:
        report = measure(Scale(options.holds, options.runs))
    except CannotStart as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 2
    print(f"\n{report.table()}\n\nkept in {_keep(report)}\n{report.verdict()}")
    return 0 if report.holds else 1


def measure(scale: Scale) -> Report:
    """Measure everything there is to measure."""
    with place.nodes() as nodes:
        report = Report(describe(nodes))
        one, many = [uuid4()], [uuid4() for _ in range(MANY)]
        with place.place(nodes, "bench_baseline") as beside, place.place(nodes, "bench") as at:
            with place.credits_running(at) as processes:
                crowds = {"one team": one, "1,000 teams": many}
                asyncio.run(_holds(report, scale, at, beside, processes, crowds))
            _say(at.command("verify").splitlines()[-1])
    return report


async def _holds(
    report: Report,
    scale: Scale,
    at: Place,
    beside: Place,
    processes: Processes,
    crowds: Mapping[str, Sequence[UUID]],
) -> None:
    for crowd, teams in crowds.items():
        await baselines.open_accounts(beside.dsn, teams)
        async with load.on_the_bus(at.bus) as bus:
            await load.give_credits(bus, teams)
            await load.throughput(bus, load.asked(teams, scale.holds // 5))  # plans made, caches warm
            holds, others, spent = await _side_by_side(scale, bus, beside, processes, teams, crowd)
            found = report.add(f"holds, {crowd}", "/s", holds)
            report.add(f"  one transaction each, {crowd}", "/s", others)
            for name in spent[0]:
                report.add(f"  CPU a hold, {name}", "ms", [run[name] for run in spent])
            await _report_latencies(report, scale, bus, teams, crowd)
        if crowd == "one team":
            report.promise("holds on one team a second", found.median, LEAST_HOLDS)
            times = [ours / theirs for ours, theirs in zip(holds, others, strict=True)]
            figure = report.add("  times the transactions", "x", times)
            report.promise("times one transaction each", figure.median, LEAST_TIMES)
    requests = load.asked(crowds["one team"], scale.holds)
    idle = [await baselines.no_op(beside.bus, requests) for _ in range(scale.runs)]
    report.add("a consumer that does nothing", "/s", idle)


async def _side_by_side(
    scale: Scale, bus: load.Bus, beside: Place, processes: Processes, teams: Sequence[UUID], crowd: str
) -> tuple[list[float], list[float], list[Spent]]:
    """Measure both in turn, so that whatever else the machine does hits both."""
    holds, others, spent = [], [], []
    for run in range(scale.runs):
        requests = load.asked(teams, scale.holds)
        before = processes.spent()
        holds.append(await load.throughput(bus, requests))
        spent.append(cost(before, processes.spent(), scale.holds))
        await load.empty(bus)
        others.append(await baselines.for_update(beside.dsn, teams, scale.holds // 4))
        _say(f"{crowd}, run {run + 1}: {holds[-1]:,.0f} holds/s, one transaction each {others[-1]:,.0f}/s")
        _say(", ".join(f"{name} {each:.2f}" for name, each in spent[-1].items()))
    return holds, others, spent


async def _report_latencies(
    report: Report, scale: Scale, bus: load.Bus, teams: Sequence[UUID], crowd: str
) -> None:
    rate = LEAST_HOLDS / 2
    runs = []
    for _ in range(scale.runs):
        runs.append(await load.latencies(bus, load.asked(teams, scale.holds // 2), rate))
        await load.empty(bus)
    for share in (0.5, 0.99):
        name = f"  p{share * 100:.0f} at {rate:,.0f}/s, {crowd}"
        report.add(name, "ms", [percentile(run, share) for run in runs])


def _keep(report: Report) -> str:
    path = FOLDER / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    return str(path.relative_to(place.REPOSITORY))


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
