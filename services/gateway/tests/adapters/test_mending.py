"""After a restore: what its owner has not said again is listed, and with --apply shown no more."""

from uuid import UUID

import pytest
from services.gateway.tests.audited import FREED, PAID, House, shown
from services.gateway.tests.stage import model

from chassis.clock import utc_now
from chassis.database import Database
from chassis.statement import text
from chassis.testing import delivery
from contracts.billing import Limits, PlanChanged
from contracts.credits import CaptureCredits, Entry, Forgotten
from contracts.orders import Operation
from gateway.application.audit import audit
from gateway.application.heal_holds import heal_holds
from gateway.application.mend_views import Fate, mend_views
from gateway.application.repair_views import repair_views

FLOOR = 1_000_000


@pytest.fixture
async def house(database: Database) -> House:
    return await House.furnished(database)


async def listed(house: House, owner, *, apply: bool = False) -> list[tuple[str, UUID, Fate]]:
    found = await mend_views(owner, FLOOR, house.transaction, apply=apply)
    return [(one.what.kind, one.what.id, one.fate) for one in found if one.what.team_id == house.team_id]


async def test_lines_that_credits_forgot_leave_the_history_and_its_sum(house: House):
    first = house.account()  # as it stood in the dump
    known = await house.rows(
        f"select document from gateway.view_credit_entries where team_id = '{house.team_id}'"
    )
    job_id = await house.begun()
    await house.settled(job_id)
    await house.ended(job_id)
    entries = tuple(Entry.model_validate(row.document) for row in known)
    again = first.model_copy(update={"version": FLOOR, "entries": entries})
    await repair_views([delivery(again)], house.transaction)

    assert [(kind, fate) for kind, _, fate in await listed(house, "credits")] == [("line", Fate.DROPPED)] * 3
    assert len(await listed(house, "credits", apply=True)) == 3
    assert await listed(house, "credits") == []
    found = shown((await audit(house.transaction, utc_now, utc_now() - utc_now())).findings)
    assert {kind for kind, subject in found if subject == job_id} == {"not_captured", "receipt"}
    assert house.team_id not in {subject for _, subject in found}


async def test_what_credits_forgot_of_an_ended_job_is_charged_as_its_receipt_says(house: House):
    charged, freed = UUID(int=1), UUID(int=2)
    await house.hear(house.job(charged, "completed", 2, PAID), house.job(freed, "failed", 2, FREED))
    await house.look()
    held = Forgotten(operation=Operation.GENERATE_IMAGES, quantity=4, unit_price=2)
    assert await heal_holds(house.transaction, utc_now, limit=20) == [
        CaptureCredits(job_id=charged, team_id=house.team_id, quantity=3, held=held)
    ]


async def test_models_that_catalog_forgot_are_shown_no_more_and_others_stay(house: House):
    forgotten, known = model(house.team_id), model(house.team_id)
    await house.hear(forgotten, known.model_copy(update={"version": FLOOR}))
    assert await listed(house, "catalog", apply=True) == [("model", forgotten.id, Fate.DROPPED)]
    rows = await house.rows(f"select id from gateway.view_models where team_id = '{house.team_id}'")
    assert [row.id for row in rows] == [known.id]


async def test_jobs_that_ended_stay_and_so_does_an_open_one_that_nobody_can_ask_for(house: House):
    done, open_ = UUID(int=1), UUID(int=2)
    await house.hear(house.job(done, "completed", 2, PAID), house.job(open_, "processing"))
    kept = [("job", done, Fate.KEPT), ("job", open_, Fate.KEPT)]
    assert await listed(house, "jobs", apply=True) == kept
    assert await listed(house, "jobs") == kept
    assert await house.said() == []


async def test_a_team_that_billing_forgot_is_said_to_be_open_again(house: House):
    async with house.database.transaction() as session:
        for table, columns in {
            "teams (id, name, created_at)": ":team, 'Ada', now()",
            "users (id, email, name, password_hash, created_at)": ":team, 'ada@example.org', '', '', now()",
            "memberships (team_id, user_id, role, created_at)": ":team, :team, 'owner', now()",
        }.items():
            statement = text(f"insert into gateway.{table} values ({columns})")
            await session.connection.execute(statement, {"team": house.team_id})
    limits = Limits(running=1, open=20, per_minute=60)
    plan = PlanChanged(team_id=house.team_id, version=1, plan="free", status="active", limits=limits)
    await house.hear(plan)
    assert await listed(house, "billing") == [("plan", house.team_id, Fate.ASKED)]
    assert await house.said() == []
    await listed(house, "billing", apply=True)
    assert await house.said() == ["gateway.team-opened.v1"]
