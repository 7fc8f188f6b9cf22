"""How much a page of the dashboard reads, over a team that has been at work for a while.

Run it with `-s` to see the table of docs/dashboard.md: each page's reads, and the time its making takes.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from services.gateway.tests.adapters.test_dashboard_billing import OFFERS
from services.gateway.tests.stage import Person, Stage, model, reference_model

from chassis.clock import utc_now
from chassis.ids import new_id
from chassis.testing import statements
from contracts.credits import AccountChanged, Entry
from contracts.jobs import JobChanged, Moment, Receipt, Result
from contracts.orders import Recipe

JOBS, MODELS, REFERENCES, BATCH, ROUNDS = 2_000, 40, 90, 200, 20
EVENTS = ("queued", "processing", "accepted_by_provider", "storing", "settling", "completed")
READS = {
    "/generate": 4,
    "/models": 1,
    "/models/new": 2,
    "/models/{model}": 2,
    "/reference-models": 1,
    "/jobs": 1,
    "/jobs/{job}": 1,  # and the job itself, which is read straight on asyncpg
    "/gallery": 1,
    "/credits": 3,
    "/team": 2,
    "/team/activity": 2,
    "/api-keys": 1,
    "/webhooks": 1,
    "/account": 1,
}
ASIDE = ("select seq from gateway.log_head", "select distinct team_id", "select count(*)")
FRAME = 3
"""Who has the session; the teams they are in; what stands on every page of this one."""


@contextmanager
def counted() -> Iterator[list[str]]:
    """Note each statement that reads or writes."""
    said: list[str] = []
    with statements() as run:
        yield said
    # What the process looks for on its own, whoever asks for pages meanwhile, is no part of a page.
    said += [statement for statement in run if not statement.lstrip().startswith(ASIDE)]


def job(person: Person, model_id: UUID) -> JobChanged:
    id_, now = new_id(), utc_now()
    results = tuple(
        Result(n=n, key=f"images/{person.team_id}/{id_}/{n}.jpg", thumbnail_key=f"thumbs/{id_}/{n}.webp",
               width=1024, height=1024)
        for n in range(1, 5)
    )  # fmt: skip
    return JobChanged(
        id=id_, team_id=person.team_id, version=5, operation="generate_images", status="completed",
        quantity=4, recipe=Recipe(prompt="a lighthouse at dusk, long exposure", model_id=model_id, version=1),
        results=results, timeline=tuple(Moment(at=now, event=event) for event in EVENTS),
        receipt=Receipt(held=8, captured=8, released=0, unit_price=2, units=4, reason="delivered"),
        created_at=now, updated_at=now, expires_at=now + timedelta(days=90),
    )  # fmt: skip


def account(person: Person, version: int, jobs: list[JobChanged]) -> AccountChanged:
    lines = tuple(
        Entry(id=uuid4(), kind=kind, amount=amount, charged=charged, balance_after=9_000, version=version,
              job_id=one.id, operation="generate_images", at=utc_now())
        for one in jobs
        for kind, amount, charged in (("reserve", -8, 0), ("deduct", 0, 8))
    )  # fmt: skip
    return AccountChanged(
        team_id=person.team_id, version=version, available=9_000, bonus=0, reserved=0, entries=lines
    )


@pytest.fixture
async def worked(stage: Stage) -> tuple[Person, dict[str, str]]:
    """A team after months of work, and where two of its things are."""
    person = await stage.person()
    models = [model(person.team_id, 3, id=new_id()) for _ in range(MODELS)]
    references = [reference_model(slug=f"reference-{n}", name=f"Reference {n}") for n in range(REFERENCES)]
    await stage.hear(OFFERS, *models, *references)
    for version in range(JOBS // BATCH):
        jobs = [job(person, models[0].id) for _ in range(BATCH)]
        await stage.hear(*jobs, account(person, 100 + version, jobs))
    return person, {"model": f"{models[0].id}", "job": f"{jobs[-1].id}"}


async def test_each_page_is_a_few_indexed_reads(stage: Stage, worked: tuple[Person, dict[str, str]]):
    person, ids = worked
    stage.away = True  # nobody else is at the database
    told, table = {}, []
    for path in READS:
        shown = path.format(**ids)
        await person.client.get(shown)
        with counted() as said:
            answer = await person.client.get(shown)
        assert answer.status_code == 200, path
        told[path] = len(said) - FRAME
        spans, works = [], []
        for _ in range(ROUNDS):
            begun, worked_before = time.perf_counter(), time.process_time()
            await person.client.get(shown)
            spans.append(1000 * (time.perf_counter() - begun))
            works.append(1000 * (time.process_time() - worked_before))
        row = (
            f"`{path}`",
            told[path],
            f"{statistics.median(spans):.0f} ms",
            f"{statistics.median(works):.0f} ms",
        )
        table.append("| {} | {} | {} | {} |".format(*row))
    print(
        "\n| page | reads of its own | answered in | of it at work |\n|---|---:|---:|---:|", *table, sep="\n"
    )
    assert told == READS
