"""A request that is new and has room is written down in one statement, and any other not at all."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from services.gateway.tests.adapters.test_asking import open_slots, plan, ready
from services.gateway.tests.stage import Person, Stage

from chassis.clock import utc_now
from chassis.ids import new_id
from chassis.statement import text
from contracts.orders import Operation, Recipe
from gateway.adapters.outbound.postgres.at_once import WrittenAtOnce
from gateway.domain.asks import Errand, Spending, hold, order
from gateway.domain.requests import Kind, Request

TABLES = ("requests", "slots", "view_jobs", "outbox")


def wish(person: Person, key: str | None = None, jobs: int = 2) -> tuple[Request, Errand]:
    now, ids = utc_now(), tuple(new_id() for _ in range(jobs))
    request = Request(
        id=new_id(),
        kind=Kind.GENERATE,
        scope=person.team_id,
        team_id=person.team_id,
        user_id=person.user_id,
        subject=ids[0],
        body_hash=b"hash",
        created_at=now,
        key=key,
        jobs=ids,
    )
    who, recipe = Spending(person.team_id, person.user_id), Recipe(prompt="x", reference_model_id=uuid4())
    orders = tuple(order(id_, Operation.GENERATE_IMAGES, 1, who, recipe) for id_ in ids)
    return request, hold(request.id, orders, who, now)


async def counts(stage: Stage) -> dict[str, int]:
    asked = ", ".join(f"(select count(*) from gateway.{table}) as {table}" for table in TABLES)
    [row] = await stage.rows(f"select {asked}")
    return {table: getattr(row, table) for table in TABLES}


@pytest.fixture
async def person(stage: Stage) -> Person:
    person, _ = await ready(stage)
    stage.away = True  # nobody takes what is written out of the outbox
    return person


async def grown(stage: Stage, before: dict[str, int]) -> dict[str, int]:
    return {table: n - before[table] for table, n in (await counts(stage)).items() if n > before[table]}


async def test_a_new_request_is_written_with_all_that_belongs_to_it(stage: Stage, person: Person):
    before = await counts(stage)
    assert await WrittenAtOnce(stage.database)(*wish(person))
    assert await grown(stage, before) == {"requests": 1, "slots": 2, "view_jobs": 2, "outbox": 1}
    assert await open_slots(stage, person) == 2


async def test_a_key_that_was_used_writes_nothing(stage: Stage, person: Person):
    write = WrittenAtOnce(stage.database)
    (request, errand), (_, other) = wish(person, "k"), wish(person, "k")
    assert await write(request, errand)
    before = await counts(stage)
    assert not await write(replace(request, id=new_id(), jobs=tuple(j.id for j in other.jobs)), other)
    assert (await grown(stage, before), await open_slots(stage, person)) == ({}, 2)


async def test_too_few_slots_write_nothing(stage: Stage, person: Person):
    await stage.hear(plan(person, open_=3))
    write, before = WrittenAtOnce(stage.database), await counts(stage)
    assert [await write(*wish(person)), await write(*wish(person)), await write(*wish(person, jobs=1))] == [
        True,
        False,
        True,
    ]
    assert (await grown(stage, before))["requests"] == 2
    assert await open_slots(stage, person) == 3


async def test_slots_that_others_take_meanwhile_are_not_taken_twice(stage: Stage, person: Person):
    await stage.hear(plan(person, open_=2))
    before = await counts(stage)
    async with stage.database.transaction() as session:
        await session.connection.execute(text("update gateway.team_slots set open = open + 1"))
        late = asyncio.create_task(WrittenAtOnce(stage.database)(*wish(person)))
        await asyncio.sleep(0.3)
        assert not late.done()  # it has found room, and waits for the row
    assert await late is False
    assert (await grown(stage, before), await open_slots(stage, person)) == ({}, 1)


async def test_of_requests_with_one_key_at_once_one_is_written(stage: Stage, person: Person):
    before = await counts(stage)
    written = await asyncio.gather(*(WrittenAtOnce(stage.database)(*wish(person, "k")) for _ in range(6)))
    assert sorted(written) == [False] * 5 + [True]
    assert await grown(stage, before) == {"requests": 1, "slots": 2, "view_jobs": 2, "outbox": 1}
    assert await open_slots(stage, person) == 2


async def test_generating_takes_that_way(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    person, reference = await ready(stage)
    written, call = [], WrittenAtOnce.__call__

    async def noting(self: WrittenAtOnce, request: Request, errand: Errand) -> bool:
        written.append(await call(self, request, errand))
        return written[-1]

    monkeypatch.setattr(WrittenAtOnce, "__call__", noting)
    assert (await person.generate(reference_model_id=reference)).status_code == 202
    assert (await person.generate(reference_model_id=str(uuid4()))).status_code == 404
    assert written == [True]
