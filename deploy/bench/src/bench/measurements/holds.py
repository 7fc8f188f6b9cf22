"""Holds through the bus: on one team, on 1,000 teams, and how long one takes."""

import asyncio
from collections.abc import Sequence
from statistics import median
from uuid import UUID, uuid4

from bench.bench import FOLDER, Bench
from bench.cpu import Processes, Spent, cost
from bench.driving import credits_alone, for_update, load, no_op, pgbench
from bench.driving.credits_alone import Place
from bench.figures import Baseline, at_least, percentile

LEAST = 2_000.0
LEAST_TIMES = 3.0
MANY = 1_000


def measure(bench: Bench) -> None:
    """Measure holds beside one transaction each, and beside a consumer that does nothing."""
    one, many = [uuid4()], [uuid4() for _ in range(MANY)]
    nodes = bench.nodes
    with (
        credits_alone.place(nodes, "bench_baseline") as beside,
        credits_alone.place(nodes, "bench") as at,
    ):
        with credits_alone.credits_running(at) as processes:
            asyncio.run(_measure(bench, at, beside, processes, {"one team": one, "1,000 teams": many}))
        bench.say(at.command("verify").splitlines()[-1])


async def _measure(
    bench: Bench, at: Place, beside: Place, processes: Processes, crowds: dict[str, list[UUID]]
) -> None:
    scale = bench.scale
    nothing = await _idle(bench, beside, crowds["one team"])
    for crowd, teams in crowds.items():
        await for_update.open_accounts(beside.dsn, teams)
        async with load.on_the_bus(at.bus) as bus:
            await load.give_credits(bus, teams)
            await load.throughput(bus, load.asked(teams, scale.holds // 5))  # plans made, caches warm
            holds, others, spent = await _side_by_side(bench, bus, beside, processes, teams, crowd)
            _report(bench, crowd, holds, others, nothing, spent)
            await _report_latencies(bench, bus, teams, crowd)
        await _report_pgbench(bench, beside, len(teams), crowd)


async def _idle(bench: Bench, beside: Place, teams: Sequence[UUID]) -> Baseline:
    requests = load.asked(teams, bench.scale.holds)
    runs = [await no_op.no_op(beside.bus, requests) for _ in range(bench.scale.runs)]
    return Baseline("a consumer that does nothing", tuple(runs))


async def _side_by_side(
    bench: Bench, bus: load.Bus, beside: Place, processes: Processes, teams: Sequence[UUID], crowd: str
) -> tuple[list[float], list[float], list[Spent]]:
    """Measure both in turn, so that whatever else the machine does hits both."""
    holds, others, spent = [], [], []
    for run in range(bench.scale.runs):
        requests = load.asked(teams, bench.scale.holds)
        before = processes.spent()
        holds.append(await load.throughput(bus, requests))
        spent.append(cost(before, processes.spent(), bench.scale.holds))
        await load.empty(bus)
        others.append(await for_update.for_update(beside.dsn, teams, bench.scale.holds // 4))
        bench.say(f"{crowd}, run {run + 1}: {holds[-1]:,.0f} holds/s, a transaction each {others[-1]:,.0f}/s")
        bench.say(", ".join(f"{name} {each:.2f}" for name, each in spent[-1].items()))
    return holds, others, spent


def _report(
    bench: Bench, crowd: str, holds: list[float], others: list[float], nothing: Baseline, spent: list[Spent]
) -> None:
    alone = crowd == "one team"
    report, beside = bench.report, Baseline("one transaction each", tuple(others))
    report.add(f"holds, {crowd}", "/s", holds, at_least(LEAST) if alone else None, beside)
    times = [ours / theirs for ours, theirs in zip(holds, others, strict=True)]
    promise = at_least(LEAST_TIMES) if alone else None
    report.add(f"  times one transaction each, {crowd}", "x", times, promise)
    shares = [run / median(nothing.runs) for run in holds]
    report.add(f"  share of what the broker moves, {crowd}", "", shares, baseline=nothing)
    for name in spent[0]:
        report.add(f"  CPU a hold, {name}, {crowd}", "ms", [run[name] for run in spent])


async def _report_latencies(bench: Bench, bus: load.Bus, teams: Sequence[UUID], crowd: str) -> None:
    rate, runs = LEAST / 2, []
    for _ in range(bench.scale.runs):
        runs.append(await load.latencies(bus, load.asked(teams, bench.scale.holds // 2), rate))
        await load.empty(bus)
    for share in (0.5, 0.99):
        name = f"  p{share * 100:.0f} at {rate:,.0f}/s, {crowd}"
        bench.report.add(name, "ms", [percentile(run, share) for run in runs])


async def _report_pgbench(bench: Bench, beside: Place, teams: int, crowd: str) -> None:
    """Measure what Postgres reaches when nothing but Postgres works: no message, no decision in Python."""
    if (program := pgbench.program()) is None:
        bench.say("pgbench is not installed beside postgres: what Postgres reaches by itself is not measured")
        return
    await for_update.open_accounts(beside.dsn, pgbench.teams(crowd, teams))
    seconds = bench.scale.seconds / 5
    for clients in pgbench.CLIENTS:
        runs = [
            pgbench.holds(program, beside.dsn, FOLDER / "hold.sql", crowd, teams, clients, seconds)
            for _ in range(bench.scale.runs)
        ]
        bench.report.add(f"  pgbench, a statement each, {crowd}, {clients} clients", "/s", runs)
        bench.say(f"pgbench, {crowd}, {clients} clients: {median(runs):,.0f} holds/s")
