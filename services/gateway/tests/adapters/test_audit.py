"""The audit of the views finds what is wrong, and nothing else."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from services.gateway.tests.audited import FREED, MINUTES, NONE, PAID, House

from chassis.clock import utc_now
from chassis.database import Database
from chassis.statement import text
from gateway.adapters.inbound import schedule
from gateway.adapters.outbound.postgres.findings import numbers
from gateway.application.audit import audit, audit_news
from gateway.domain.books import FindingKind


@pytest.fixture
async def house(database: Database) -> House:
    return await House.furnished(database)


async def test_a_whole_journey_leaves_nothing_to_find(house: House):
    for steps in ((house.settled, house.ended), (house.ended, house.settled)):
        job_id = await house.begun()
        for step in steps:
            await step(job_id)
    await house.hear(house.account(("refund", 6, -6, job_id)))  # given back by hand, later
    failed, late = await house.begun(), await house.begun()
    await house.hear(house.account(("refund", 8, 0, failed)), house.job(failed, "failed", 2, FREED))
    await house.hear(house.account(("refund", 8, 0, late)), house.account(("deduct", -6, 6, late)))
    await house.hear(house.job(late, "completed", 2, PAID))
    found = await audit(house.transaction, utc_now, NONE)

    assert (found.jobs, found.accounts, found.suspicions, found.findings) == (4, 1, (), ())


async def test_a_job_that_ended_with_an_open_hold_is_found_and_the_finding_ends_with_it(house: House):
    job_id = await house.begun()
    await house.ended(job_id)

    assert await house.look() == [("open_hold", job_id)]
    assert (await numbers(house.database))[FindingKind.OPEN_HOLD] == 1
    await house.settled(job_id)
    assert await house.look() == []
    assert (await numbers(house.database))[FindingKind.OPEN_HOLD] == 0
    [row] = await house.rows("select resolved_at from gateway.findings")
    assert row.resolved_at is not None


async def test_the_schedule_shows_the_number_of_findings(house: House):
    job_id = await house.begun()
    await house.ended(job_id)
    later = schedule.auditing(
        house.transaction, lambda: utc_now() + MINUTES, partial(numbers, house.database)
    )
    await house.look(grace=MINUTES)
    await later.run()

    assert REGISTRY.get_sample_value("atelier_audit_findings", {"kind": "open_hold"}) == 1
    assert REGISTRY.get_sample_value("atelier_audit_findings", {"kind": "receipt"}) == 0


async def test_what_may_be_under_way_is_no_finding(house: House):
    job_id = await house.begun()
    await house.ended(job_id)

    assert await house.look(grace=MINUTES) == []
    assert await house.look(timedelta(minutes=1), MINUTES) == []
    await house.settled(job_id)
    assert await house.look(timedelta(minutes=3), MINUTES) == []
    assert await house.rows("select 1 from gateway.findings") == []


async def test_what_lasts_beyond_its_grace_counts(house: House):
    stranded, running = await house.begun(), await house.begun()
    await house.ended(stranded)
    await house.settled(running)  # credits has decided, and jobs is down

    assert await house.look(grace=MINUTES) == []
    assert await house.look(timedelta(minutes=3), MINUTES) == [("open_hold", stranded)]
    assert sorted(await house.look(timedelta(minutes=16), MINUTES)) == [
        ("no_hold", running),
        ("open_hold", stranded),
    ]


async def test_a_charge_for_nothing_is_found(house: House):
    job_id = await house.begun()
    await house.settled(job_id)
    await house.hear(house.job(job_id, "failed", 2, FREED))

    assert sorted(await house.look()) == [("captured_in_vain", job_id), ("receipt", job_id)]


async def test_a_running_job_whose_hold_never_was_is_found(house: House):
    job_id = uuid4()
    await house.hear(house.job(job_id, "processing"))

    assert await house.look(timedelta(minutes=16)) == []
    assert await house.look(timedelta(minutes=32)) == [("no_hold", job_id)]


async def test_credits_that_moved_for_no_job_are_found(house: House):
    job_id = uuid4()
    await house.hear(house.account(("reserve", -8, 0, job_id)))

    assert await house.look() == [("not_shown", job_id)]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({"reserved": 3}, "reserved"), ({"available": 190}, "history"), ({"bonus": 1}, "history")],
)
async def test_an_account_that_its_history_does_not_explain_is_found(
    house: House, changes: dict[str, int], kind: str
):
    await house.look()
    await house.begun()
    wrong = house.account().model_copy(update=changes)
    await house.hear(wrong)

    assert await house.look() == [(kind, house.team_id)]
    await house.hear(house.account())
    assert await house.look() == []


async def test_a_line_with_a_wrong_balance_is_found(house: House):
    account = house.account(("bonus", 10, 0, None))
    [entry] = account.entries
    await house.hear(account.model_copy(update={"entries": (entry.model_copy(update={"balance_after": 9}),)}))

    assert await house.look() == [("history", house.team_id)]


async def test_lines_that_come_late_are_added_up_again(house: House):
    first, second = house.account(("bonus", 10, 0, None)), house.account(("bonus", 5, 0, None))
    await house.hear(second)
    assert await house.look(grace=MINUTES) == []  # a suspicion
    await house.hear(first)

    assert await house.look(timedelta(minutes=3), MINUTES) == []
    assert [tuple(row) for row in await house.rows("select version, spendable from gateway.balanced")] == [
        (3, 215)
    ]


async def test_only_what_moved_is_looked_at_again(house: House):
    quiet, moving = await house.begun(), await house.begun()
    await house.look()
    async with house.database.transaction() as session:  # the quiet job moved long before the last look
        await session.connection.execute(
            text("update gateway.view_jobs set changed_at = changed_at - interval '1 h' where id = :id"),
            {"id": quiet},
        )
        await session.connection.execute(
            text("update gateway.view_credit_entries set recorded_at = recorded_at - interval '1 h'")
        )
    await house.hear(house.job(moving, "processing", 2))
    found = await audit_news(house.transaction, utc_now, NONE)

    assert found is not None
    assert (found.jobs, found.accounts) == (1, 0)
    assert (await audit(house.transaction, utc_now, NONE)).jobs == 2


async def test_one_process_looks_at_a_time(house: House):
    async with house.transaction() as work:
        await work.findings.begin(wait=False)
        assert await audit_news(house.transaction, utc_now, NONE) is None
    assert await audit_news(house.transaction, utc_now, NONE) is not None
