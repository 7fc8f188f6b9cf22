"""Three hundred jobs of all kinds and fates over a bus that doubles, delays and shuffles every message.

`SHIM_SEED` draws the same copies and delays again.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

import httpx
import pytest
from e2e.client import ENDED, Client, Json
from e2e.house import IMAGE_ATTEMPTS, PLENTY, TRAINING_ATTEMPTS, House
from e2e.provider import fault
from e2e.shim import Shim, bad_line

from chassis.testing import listening
from contracts.billing import PlanChanged
from contracts.catalog import ModelChanged
from contracts.credits import AccountChanged
from contracts.jobs import JobChanged
from contracts.topology import ANNOUNCED

AT_ONCE = 24
IMAGE, CREATION, REFINEMENT = 2, 100, 50
GIVEN = 10_000
BUDGET = 8
COUNTS = {
    "plain": 162,
    "some unsafe": 24,
    "all unsafe": 24,
    "invalid": 20,
    "retried": 24,
    "cancelled at once": 12,
    "cancelled running": 12,
    "overtaken": 6,
    "within budget": 12,
    "too dear": 10,
    "made": 6,
}
JOBS = 300
DONE = {fate: n for fate, n in COUNTS.items() if fate not in ("too dear", "made")} | {
    "within budget": 4,
    "created": 6,
    "refined": 6,
}
DECLINED = Counter(key_budget_exceeded=8, insufficient_credits=10)
MISBEHAVING = (
    fault("unsafe", "shuffled some unsafe", images=[1]),
    fault("unsafe", "shuffled all unsafe"),
    fault("validation_422", "shuffled invalid"),
    fault("slow", "shuffled cancelled running", at="run", seconds=4),
)
DOCUMENTS = {"jobs": JobChanged, "models": ModelChanged, "accounts": AccountChanged, "plans": PlanChanged}


@dataclass
class Asker:
    """Asks for jobs of every fate, and keeps what was asked and what was refused."""

    house: House
    rich: Client
    poor: Client
    budgeted: Client
    random: Random
    jobs: dict[str, list[tuple[int, Json]]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    async def ask_all(self, wishes: dict[str, str]) -> None:
        """Ask for everything, some at once."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(prompt: str, fate: str) -> None:
            async with gate:
                await self._ask(prompt, fate)

        await asyncio.gather(*(one(prompt, fate) for prompt, fate in wishes.items()))

    async def _ask(self, prompt: str, fate: str) -> None:
        match fate:
            case "made":
                await self._make(prompt)
            case "overtaken":
                await self._overtake(prompt)
            case "too dear":
                await self._generate(self.poor, prompt, fate, 1)
            case "within budget":
                await self._generate(self.budgeted, prompt, fate, 1)
            case "some unsafe":
                await self._generate(self.rich, prompt, fate, self.random.randint(2, 4))
            case "cancelled at once" | "cancelled running":
                job = await self._generate(self.rich, prompt, fate, 2)
                if fate == "cancelled running":
                    await self._runs(job)
                await cancel(self.rich, job["id"])
            case _:
                await self._generate(self.rich, prompt, fate, self.random.randint(1, 8))

    async def _generate(self, team: Client, prompt: str, fate: str, count: int) -> Json:
        answer = await team.post("/api/generate", await team.wish(prompt, count))
        if answer.status_code == 402:
            self.refused[answer.json()["code"]] += 1
            return {}
        assert answer.status_code == 202, answer.text
        (job,) = answer.json()["jobs"]
        self.jobs.setdefault(fate, []).append((count * IMAGE, job))
        return job

    async def _runs(self, job: Json, within: float = 120) -> None:
        async with asyncio.timeout(within):
            while (await self.rich.get(f"/api/jobs/{job['id']}"))["status"] in ("accepted", "queued"):
                await asyncio.sleep(0.2)

    async def _overtake(self, prompt: str) -> None:
        """Cancel a job of which nobody but the gateway knows yet."""
        asking = asyncio.create_task(self._generate(self.rich, prompt, "overtaken", 2))
        while not asking.done():
            for job in (await self.rich.get("/api/jobs", status="accepted"))["data"]:
                if job["recipe"]["prompt"] == prompt:
                    await cancel(self.rich, job["id"])
                    await asking
                    return
            await asyncio.sleep(0.05)
        await cancel(self.rich, (await asking)["id"])

    async def _make(self, prompt: str) -> None:
        """Make a model and refine it."""
        creation = await self.rich.create_model(prompt)
        self.jobs.setdefault("created", []).append((CREATION, creation))
        await self.rich.until(creation["model_id"], 1, within=120)
        path = f"/api/models/{creation['model_id']}/refine"
        refinement = (await self.rich.insist(path, {"instructions": "softer"}))["job"]
        self.jobs.setdefault("refined", []).append((REFINEMENT, refinement))


def all_wishes(random: Random) -> dict[str, str]:
    """Draw an order of all that is asked for: its prompts, each with its fate."""
    fates = [fate for fate, count in COUNTS.items() for _ in range(count)]
    random.shuffle(fates)
    return {f"shuffled {fate} {n}.": fate for n, fate in enumerate(fates)}


def lost_answers(wishes: dict[str, str]) -> list[Json]:
    """Lose one answer for each job to be retried: none may run out of attempts by chance."""
    retried = (prompt for prompt, fate in wishes.items() if fate == "retried")
    return [fault("http_503", prompt, at="submit", times=1) for prompt in retried]


@pytest.mark.long
@pytest.mark.timeout(600)  # it waits for a busy machine
async def test_three_hundred_jobs_come_out_right_over_a_bad_line(house: House):
    seed = int(os.environ.get("SHIM_SEED", Random().randrange(10**6)))
    print(f"SHIM_SEED={seed}")
    random = Random(seed)
    rich = await house.team(credits_added=GIVEN - 200, **PLENTY)
    poor = await house.team(credits_added=-199, **PLENTY)
    budgeted = await with_budget(house, BUDGET)
    url = house.stack.nodes.rabbitmq.url(house.stack.plan.vhost)
    asker, wishes = Asker(house, rich, poor, budgeted, random), all_wishes(random)
    faults = (*MISBEHAVING, *lost_answers(wishes))
    async with house.provider.behaving(*faults), bad_line(url, random) as line:
        await asker.ask_all(wishes)
        ended = {job["id"]: job for team in (rich, budgeted) for job in await all_ended(team)}
        await all_is_quiet(line)
        print(f"{line.carried.total()} messages came {line.copies} times: {dict(line.carried)}")
    # Who waited longer than a request may take was told 202; the job was taken back with its decline.
    asked = {fate: [one for one in jobs if one[1]["id"] in ended] for fate, jobs in asker.jobs.items()}
    told = {fate: [(held, ended[job["id"]]) for held, job in jobs] for fate, jobs in asked.items() if jobs}
    assert {fate: len(jobs) for fate, jobs in told.items()} == DONE
    assert asker.refused <= DECLINED
    assert len(ended) == JOBS
    await receipts_are_right(told, rich, budgeted, poor)
    await submits_stay_within_the_rule(house, ended.values())
    await house.is_settled()
    await views_are_what_is_announced(house, url, {rich.team_id, poor.team_id, budgeted.team_id})


async def receipts_are_right(
    told: dict[str, list[tuple[int, Json]]], rich: Client, budgeted: Client, poor: Client
) -> None:
    for fate, jobs in told.items():
        for held, job in jobs:
            delivered = sum(not result["withheld"] for result in job["results"])
            charged = {"created": CREATION, "refined": REFINEMENT}.get(fate, delivered * IMAGE)
            expected = (held, charged, held - charged)
            receipt = tuple(job["receipt"][name] for name in ("held", "captured", "released"))
            assert receipt == expected, (fate, job["status"], job["code"])
            status, part = OUTCOMES[fate]
            if status is not None:
                assert (job["status"], charged) == (status, part(held)), (fate, job["code"])
            else:
                assert job["status"] in {"completed", "cancelled"}, (fate, job["code"])
    for team, given in ((rich, GIVEN), (budgeted, 200), (poor, 1)):
        balance = await team.balance()
        charged = sum(job["receipt"]["captured"] for job in await team.all("/api/jobs"))
        assert (balance["available"], balance["reserved"], balance["open"]) == (given - charged, 0, 0)
    assert (await budgeted.balance())["available"] == 200 - BUDGET
    cancelled = [job["status"] for fate in CANCELLED for _, job in told[fate]]
    print(f"cancelled: {Counter(cancelled)}")
    assert Counter(cancelled)["cancelled"] >= len(cancelled) // 2


CANCELLED = ("cancelled at once", "cancelled running", "overtaken")
OUTCOMES: dict[str, tuple[str | None, Callable[[int], int]]] = {
    "plain": ("completed", lambda held: held),
    "some unsafe": ("completed", lambda held: held - IMAGE),
    "all unsafe": ("failed", lambda _: 0),
    "invalid": ("failed", lambda _: 0),
    "retried": ("completed", lambda held: held),
    "within budget": ("completed", lambda held: held),
    "created": ("completed", lambda held: held),
    "refined": ("completed", lambda held: held),
} | {fate: (None, lambda held: held) for fate in CANCELLED}


async def submits_stay_within_the_rule(house: House, jobs: Iterable[Json]) -> None:
    """Each attempt is posted once; a step succeeds at most once, in no more attempts than doubts allow."""
    await house.submits_are_explained("shuffled")
    for job in jobs:
        most = IMAGE_ATTEMPTS if job["type"] == "generate_images" else max(IMAGE_ATTEMPTS, TRAINING_ATTEMPTS)
        for fates in house.fates(job):
            assert fates.count("succeeded") <= 1, (job["id"], fates)
            assert len([fate for fate in fates if fate != "not_accepted"]) <= most, (job["id"], fates)


async def views_are_what_is_announced(house: House, url: str, teams: set[str]) -> None:
    """What the gateway shows of these teams is, to the version, what the services would say now."""
    shown = {}
    for view, kind in DOCUMENTS.items():
        id_ = "id" if view in ("jobs", "models") else "team_id"
        of_teams = " or ".join(f"team_id = '{team}'" for team in teams)
        for row in house.query(f"select {id_}, version from gateway.view_{view} where {of_teams}"):
            shown[kind.type, row.split("|")[0]] = int(row.split("|")[1])
    async with listening(url, *DOCUMENTS.values(), facts=ANNOUNCED) as bus:
        for service in ("jobs", "catalog", "credits", "billing"):
            await house.operate(service, "announce")
        async with asyncio.timeout(60):
            missing = set(shown)
            while missing:
                said = await bus.heard.get()
                if str(said.team_id) in teams:  # an account is said in parts when its history is long
                    assert shown[said.type, said.subject] == said.version, said
                    missing.discard((said.type, said.subject))
    assert len(shown) == JOBS + COUNTS["made"] + 3 + 3


async def all_ended(team: Client, within: float = 150) -> list[Json]:
    async with asyncio.timeout(within):
        while True:
            jobs = await team.all("/api/jobs")
            if all(job["status"] in ENDED for job in jobs):
                return jobs
            await asyncio.sleep(1)


async def all_is_quiet(line: Shim) -> None:
    """Wait until nothing has been said for longer than the line may take."""
    carried = -1
    while carried != line.carried.total() or not line.is_idle:
        carried = line.carried.total()
        await asyncio.sleep(2)


async def cancel(team: Client, job_id: str) -> None:
    answer = await team.http.delete(f"/api/jobs/{job_id}", headers=team.headers)
    assert answer.status_code in {200, 202, 409}, answer.text


async def with_budget(house: House, budget: int) -> Client:
    """Sign a team up, whose key may spend so many credits."""
    team = await house.team(**PLENTY)
    body = {"email": team.email, "password": "a long password"}
    async with httpx.AsyncClient(base_url=house.stack.url, timeout=30) as http:
        assert (await http.post("/api/auth/sign-in", json=body)).is_success
        wanted = {"name": "thrifty", "scopes": ["read", "generate"], "credit_budget": budget}
        key = await http.post("/api/api-keys", json=wanted)
    assert key.status_code == 201, key.text
    team.headers = {"Authorization": f"Bearer {key.json()['secret']}"}
    return team
