"""With one, two and four of each process: what more of them bring here, and which of them take the cores."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from uuid import uuid4

import uvloop

from atelier_local.plan import EVERYWHERE, Variables
from atelier_local.stack import Stack
from bench.bench import SERVICES, SETTINGS, Bench
from bench.cpu import Spent, processes_of
from bench.driving.customers import Customer, customers
from bench.driving.holding import held, leave_credits_alone, warm
from bench.driving.lines import Turns
from bench.driving.provider import Provider
from bench.figures import Baseline, Report, percentile
from bench.measurements.http import WARM_UP, posted, said
from bench.measurements.jobs import completed
from bench.measurements.reads import Target, drawn, rate_of
from bench.resident import resident_together

EACH = (1, 2, 4)
POOL, POOLED = 8, 16
"""Connections in a process's pool, as is the default, and in those of all its replicas at most."""
RATE, CLIENTS, TEAMS = 25, 16, 1_000
WARM_READS = 4
LEAST = 0.005
"""Milliseconds of CPU below which nothing is told of a process."""
_CONNECTED = (
    "select count(*) from pg_stat_activity where datname = current_database() and usename <> 'postgres'"
)


@dataclass(frozen=True)
class Told:
    """The figures of a house, each beside that with one of each process."""

    report: Report
    alone: dict[str, Baseline] = field(default_factory=dict)
    number: int = 1

    def add(self, name: str, unit: str, runs: Sequence[float]) -> None:
        """Note a figure of so many of each; nothing is promised of it."""
        self.report.add(f"{name}, {self.number} of each", unit, runs, baseline=self.alone.get(name))
        if self.number == 1:
            self.alone[name] = Baseline("with one of each", tuple(runs))

    def add_cost(self, what: str, rates: Sequence[float], spent: Sequence[Spent]) -> str:
        """Note what each process spent on a piece of work; says how many cores that was, most first."""
        taken: dict[str, list[float]] = {}
        for name in spent[0]:
            each = [run[name] for run in spent]
            if median(each) >= LEAST:
                self.add(f"  CPU a {what}, {name}", "ms", each)
                taken[name] = [rate * run / 1000 for rate, run in zip(rates, each, strict=True)]
        self.add(f"  cores taken by {what}s", "", taken["all"])
        cores = {name: median(runs) for name, runs in taken.items()}
        shares = sorted(cores.items(), key=lambda share: -share[1])
        return ", ".join(f"{name} {share:.2f}" for name, share in shares)


def settings(number: int) -> Mapping[str, Variables]:
    """Say what processes are told; of four the pools are smaller, so that Postgres has room for all."""
    pool = {"DATABASE_POOL": str(min(POOL, POOLED // number))}
    return {**SETTINGS, EVERYWHERE: {**SETTINGS[EVERYWHERE], **pool}}


def measure(bench: Bench) -> None:
    """Measure one house after the other; each is gone before the next is built."""
    alone: dict[str, Baseline] = {}
    for number in EACH:
        with bench.another(f"replicas-{number}", settings(number), number) as stack:
            _measure(bench, stack, Told(bench.report, alone, number))


def _measure(bench: Bench, stack: Stack, told: Told) -> None:
    provider = Provider(stack.sandbox_url)
    provider.answer_at_once(tiny=True)
    teams = asyncio.run(customers(stack, bench.scale.teams))
    _read(bench, stack, teams[0], told)
    _complete(bench, stack, teams, told)
    provider.hold_on()
    _post(bench, stack, teams, told)
    _weigh(stack, told)
    _hold(bench, stack, told)


def _read(bench: Bench, stack: Stack, customer: Customer, told: Told) -> None:
    jobs = asyncio.run(drawn(stack, customer))
    asked = [customer.get(f"/api/generate/{job}") for job in jobs]
    target = Target("all", processes_of(stack), stack.url, asked)
    uvloop.run(rate_of(target, WARM_READS * len(asked) * told.number))  # each gateway knows the links
    found = [uvloop.run(rate_of(target, bench.scale.reads)) for _ in range(bench.scale.runs)]
    rates, spent, _ = zip(*found, strict=True)
    told.add("GET of a completed job", "/s", rates)
    cores = told.add_cost("GET", rates, spent)
    bench.say(f"{told.number} of each: {median(rates):,.0f} GETs/s; cores: {cores}")


def _complete(bench: Bench, stack: Stack, teams: Sequence[Customer], told: Told) -> None:
    rates, spent, counted = zip(*completed(bench, stack, teams, bench.scale.jobs), strict=True)
    told.add("jobs completed, a tiny picture", "/s", rates)
    cores = told.add_cost("job", rates, spent)
    for name in counted[0]:
        told.add(f"  {name} a job", "", [run[name] for run in counted])
    bench.say(f"{told.number} of each: {median(rates):.1f} jobs/s; cores: {cores}")


def _post(bench: Bench, stack: Stack, teams: Sequence[Customer], told: Told) -> None:
    asyncio.run(_posted(stack, teams, WARM_UP))
    runs = [asyncio.run(_posted(stack, teams, bench.scale.seconds)) for _ in range(bench.scale.runs)]
    for share in (0.5, 0.99):
        figures = [percentile(took, share) for took, _ in runs]
        told.add(f"POST /api/generate at {RATE}/s, p{share * 100:.0f}", "ms", figures)
    told.add(f"POST /api/generate at {RATE}/s, errors", "", [float(failed) for _, failed in runs])
    for run in runs:
        bench.say(f"{told.number} of each: {said(RATE, *run)}")


async def _posted(stack: Stack, teams: Sequence[Customer], seconds: float) -> tuple[list[float], int]:
    lines = Turns(stack.url, CLIENTS)
    await lines.open()
    return await posted(lines, teams, RATE, seconds)


def _weigh(stack: Stack, told: Told) -> None:
    """Read what all occupy after that; the bench is none of them."""
    pids = processes_of(stack).pids()
    weights = {name: resident_together(pids[name]) for name in pids if name != "bench"}
    for name, weight in weights.items():
        told.add(f"memory, {name}", "MB", [weight])
    told.add("memory, all services", "MB", [sum(weights[name] for name in SERVICES)])
    told.add("memory, all", "MB", [sum(weights.values())])
    connected = stack.nodes.postgres.sql(_CONNECTED, stack.plan.database)
    told.add("connections to Postgres", "", [float(connected)])


def _hold(bench: Bench, stack: Stack, told: Told) -> None:
    """Measure holds last: all but credits are stopped, and the bench is the gateway."""
    leave_credits_alone(stack)
    teams = [uuid4() for _ in range(TEAMS)]
    asyncio.run(warm(stack, teams, bench.scale.holds // 5))
    rates = [asyncio.run(held(stack, teams, bench.scale.holds)) for _ in range(bench.scale.runs)]
    told.add("holds, 1,000 teams", "/s", rates)
    bench.say(f"{told.number} of each: {median(rates):,.0f} holds/s on 1,000 teams")
    bench.say(stack.command("credits", "verify").stdout.splitlines()[-1])
