"""A house that has grown beside an empty one: reads and holds in turn, and what operators run over all."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from statistics import median
from uuid import UUID, uuid4

from atelier_local.ports import HOST
from atelier_local.stack import Stack
from bench.bench import Bench
from bench.driving.crowd import together
from bench.driving.customers import Customer, customers
from bench.driving.holding import OTHERS, held, leave_credits_alone, warm
from bench.driving.lines import Lines, written
from bench.driving.provider import Provider
from bench.driving.work import ended, jobs_of
from bench.figures import Baseline, at_most
from bench.growing.load import House, Loader
from bench.growing.original import Original, settled, shared_ids

TIMES = 1.3
CLIENTS, JOBS, AVERAGE = 16, 40, 7
"""Clients at once, jobs of a customer, the number of one team of many; number 1 has a tenth of all jobs."""
MADE_IN, LONGEST = 120.0, 3600
ANNOUNCED = {"credits": (), "catalog": ("--rate=2000",)}
HOUSE = House(teams=10_000, models=100_000, jobs=1_000_000, holds=1_670_000)
NOT_AUDITED = b"atelier_credits_audited_timestamp_seconds 0.0"


@dataclass(frozen=True)
class Asked:
    """A customer of a house, and a job of theirs for each GET."""

    name: str
    stack: Stack
    customer: Customer
    jobs: Sequence[str]

    def requests(self) -> Mapping[str, Sequence[bytes]]:
        """Write what is read, each kind with its requests in turn."""
        get = self.customer.get
        return {
            "GET of a job": [get(f"/api/jobs/{job}") for job in self.jobs],
            "a list of 20 jobs": [get("/api/jobs?limit=20")],
            "20 completed jobs": [get("/api/jobs?limit=20&status=completed")],
            "20 images": [get("/api/images?limit=20")],
            "20 lines of history": [get("/api/credits/history?limit=20")],
            "a search of the catalog": [get("/api/reference-models?search=light&limit=20")],
            "a search of models": [get("/api/models?search=keeper&limit=20")],
            "the balance": [get("/api/credits/balance")],
        }


def measure(bench: Bench) -> None:
    """Let one house grow, then measure both in turn."""
    with bench.another("grown") as full:
        Provider(full.sandbox_url).answer_at_once(tiny=True)
        house = _size(bench)
        models = house.models // house.teams  # as many as a copy has: a search finds as much everywhere
        empty = _asked("empty", bench.stack, bench.customers[0], models)
        original = asyncio.run(customers(full, 2))
        same = _asked("the same team", full, original[0], models)
        _grow(bench, full, house, original[1])
        teams = [same, _copy(full, original[1], AVERAGE), _copy(full, original[1], 1)]
        _read(bench, empty, teams)
        _operate(bench, full, house)
        _hold(bench, full)


def _size(bench: Bench) -> House:
    share = bench.scale.growth
    sizes = {
        name: max(20, int(getattr(HOUSE, name) * share)) for name in ("teams", "models", "jobs", "holds")
    }
    return replace(HOUSE, **sizes)


def _asked(name: str, stack: Stack, customer: Customer, models: int) -> Asked:
    Provider(stack.sandbox_url).answer_at_once(tiny=True)
    for _ in range(models):
        asyncio.run(_make_model(stack, customer))
    wishes = [customer.wish(f"a lighthouse, {n}") for n in range(JOBS)]
    return Asked(name, stack, customer, asyncio.run(_draw(stack, wishes)))


async def _draw(stack: Stack, wishes: Sequence[bytes]) -> list[str]:
    lines = Lines(stack.url)
    jobs = [job for answer in await together(lines, wishes, 8) for job in jobs_of(answer)]
    lines.close()
    await ended(stack, jobs)
    return jobs


async def _make_model(stack: Stack, customer: Customer) -> str:
    lines = Lines(stack.url)
    asked = {"name": "Lighthouse keeper", "description": "storm", "reference_model_id": customer.reference}
    model: str = (await lines.ask(customer.post("/api/models", asked))).json()["model"]["id"]
    async with asyncio.timeout(MADE_IN):
        while True:
            if (await lines.ask(customer.get(f"/api/models/{model}"))).json()["status"] == "ready":
                break
            await asyncio.sleep(0.2)
    lines.close()
    return model


def _grow(bench: Bench, full: Stack, house: House, customer: Customer) -> None:
    database, team = full.plan.database, str(customer.team_id)

    def query(sql: str) -> str:
        return full.nodes.postgres.sql(sql, database)

    opened = settled(query, team)
    model = asyncio.run(_make_model(full, customer))
    made = settled(query, team)
    asyncio.run(_draw(full, [customer.wish("a lighthouse", model_id=model, reference_model_id=None)]))
    original = Original.between(opened, made, settled(query, team), shared_ids(query))
    for name in (*OTHERS, "credits"):
        full.stop_service(name)
    began = time.monotonic()
    asyncio.run(Loader(full.nodes.postgres.dsn(database), original, house, bench.say).load())
    gigabytes = float(query("select pg_database_size(current_database()) / 1e9"))
    minutes = (time.monotonic() - began) / 60
    bench.say(
        f"{house.ledger_rows:,} ledger rows, {house.jobs:,} jobs: {gigabytes:.1f} GB in {minutes:.1f} min"
    )
    for name in ("credits", *OTHERS):
        full.start_service(name, wait=False)
    full.await_ready()
    asyncio.run(_audited(full))


async def _audited(full: Stack) -> None:
    """Wait until credits has audited its ledger, as it does once a day, from its start on."""
    lines = Lines(f"http://{HOST}:{full.plan.ports['credits']}")
    async with asyncio.timeout(LONGEST):
        while NOT_AUDITED in (await lines.ask(written("GET", "/metrics"))).body:  # noqa: ASYNC110 - it is told nowhere else
            await asyncio.sleep(1)
    lines.close()


def _copy(full: Stack, customer: Customer, number: int) -> Asked:
    """Ask as the copy of that number, for the newest of its jobs."""
    key, database = f"atl_growth{number}", full.plan.database
    found = full.nodes.postgres.sql(
        "select j.team_id, j.id from gateway.view_jobs as j join gateway.api_keys as k using (team_id)"  # noqa: S608 - words of ours
        f" where k.secret_hash = sha256(convert_to('{key}', 'UTF8')) and j.operation = 'generate_images'"
        f" order by j.id desc limit {JOBS}",
        database,
    )
    rows = [line.split("|") for line in found.split()]
    copy = replace(customer, team_id=UUID(rows[0][0]), headers=f"Authorization: Bearer {key}\r\n")
    name = "a team with a tenth of all jobs" if number == 1 else "one team of many"
    return Asked(name, full, copy, [job for _, job in rows])


def _read(bench: Bench, empty: Asked, teams: Sequence[Asked]) -> None:
    number = max(CLIENTS * 5, bench.scale.reads // 4)
    for what in empty.requests():
        for one in (empty, *teams):
            asyncio.run(_rate(one, what, number // 5))
        rates: dict[str, list[float]] = {one.name: [] for one in (empty, *teams)}
        for _ in range(bench.scale.runs):
            for one in (empty, *teams):
                rates[one.name].append(asyncio.run(_rate(one, what, number)))
        for team in teams:
            _compare(bench, f"{what}, {team.name}", rates[empty.name], rates[team.name])


def _compare(bench: Bench, name: str, empty: Sequence[float], full: Sequence[float]) -> None:
    """Tell how many times longer the same takes in the full house."""
    times = [before / after for before, after in zip(empty, full, strict=True)]
    beside = Baseline("a second when empty", tuple(empty))
    bench.report.add(f"{name}: grown", "x", times, at_most(TIMES), beside)
    bench.say(f"{name}: {median(empty):,.0f}/s empty, {median(full):,.0f}/s grown: {median(times):.2f} x")


async def _rate(one: Asked, what: str, number: int) -> float:
    lines, asked = Lines(one.stack.url), islice(cycle(one.requests()[what]), number)
    began = time.perf_counter()
    answers = await together(lines, asked, CLIENTS)
    passed = time.perf_counter() - began
    lines.close()
    if not answers[0].json().get("data", True):
        raise RuntimeError(f"{what}: {one.name} has none")
    for answer in answers:
        answer.json()
    return number / passed


def _operate(bench: Bench, full: Stack, house: House) -> None:
    """Run what operators run over everything: how long it takes, and in how much memory."""
    over = f"{house.ledger_rows:,} ledger rows"
    _run(bench, full, f"credits verify, {over}", "credits", "verify")
    _run(bench, full, f"gateway audit, {house.holds:,} jobs", "gateway", "audit")
    for name, options in ANNOUNCED.items():
        _run(bench, full, " ".join((name, "announce", *options)), name, "announce", *options)


def _run(bench: Bench, full: Stack, what: str, name: str, *words: str) -> None:
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", name, *words],
        env=dict(full.environment(name)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101 - asked for just above
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status:
        raise RuntimeError(f"{name} {words[0]} failed: {said[-2000:]}")
    bench.report.add(what, "s", [seconds])
    bench.report.add(f"  memory of {name} {words[0]}", "MB", [used.ru_maxrss * 1024 / 1e6])
    bench.say(f"{what}: {seconds:.1f} s, {used.ru_maxrss * 1024 / 1e6:.0f} MB; {said.strip()[-200:]}")


def _hold(bench: Bench, full: Stack) -> None:
    """Measure holds on credits alone, in both houses in turn: the bench is the gateway."""
    for stack in (bench.stack, full):
        leave_credits_alone(stack)
    for crowd, number in {"one team": 1, "1,000 teams": 1_000}.items():
        rates = asyncio.run(_held(bench, full, [uuid4() for _ in range(number)]))
        _compare(bench, f"holds, {crowd}", rates[0], rates[1])
    bench.say(full.command("credits", "verify", timeout=LONGEST).stdout.splitlines()[-1])


async def _held(bench: Bench, full: Stack, teams: Sequence[UUID]) -> tuple[list[float], list[float]]:
    rates: tuple[list[float], list[float]] = [], []
    for stack in (bench.stack, full):
        await warm(stack, teams, bench.scale.holds // 5)
    for _ in range(bench.scale.runs):
        for stack, found in zip((bench.stack, full), rates, strict=True):
            found.append(await held(stack, teams, bench.scale.holds))
    return rates
