"""The audit on real views: what it finds, when it counts, how cheap it is, and what it asks owners to do."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY
from services.gateway.tests.stage import SITE
from sqlalchemy import text

from chassis.clock import utc_now
from chassis.database import Database
from chassis.testing import delivery
from contracts.credits import AccountChanged, CaptureCredits, Entry, ReleaseCredits
from contracts.jobs import JobChanged, Receipt
from contracts.message import Message
from contracts.orders import Operation, Recipe
from gateway.adapters.inbound import schedule
from gateway.adapters.outbound.postgres.findings import numbers
from gateway.adapters.outbound.postgres.work import transaction
from gateway.application.audit import audit, audit_news
from gateway.application.checking import StoredFinding
from gateway.application.heal_holds import heal_holds
from gateway.application.project_documents import project_documents
from gateway.domain.books import FindingKind

NONE, MINUTES = timedelta(0), timedelta(minutes=2)
PAID = Receipt(held=8, captured=6, released=2, unit_price=2, units=3, reason="captured")
FREED = Receipt(held=8, captured=0, released=8, unit_price=2, units=0, reason="failed")


class House:
    """What credits and jobs say about one team, shown by the projector."""

    def __init__(self, database: Database) -> None:
        self.database, self.team_id = database, uuid4()
        self.transaction = transaction(database)
        self.version = self.spendable = self.reserved = 0

    async def hear(self, *messages: Message) -> None:
        await project_documents([delivery(message) for message in messages], self.transaction, utc_now, SITE)

    def account(self, *lines: tuple[str, int, int, UUID | None]) -> AccountChanged:
        """Post lines of kind, amount, charged and job, and show the account after them."""
        self.version += 1
        entries = []
        for kind, amount, charged, job_id in lines:
            self.spendable += amount
            self.reserved -= amount + charged if job_id else 0
            entries.append(
                Entry(
                    id=uuid4(), kind=kind, amount=amount, charged=charged, balance_after=self.spendable,
                    version=self.version, job_id=job_id, at=utc_now(),
                )
            )  # fmt: skip
        return AccountChanged(
            team_id=self.team_id,
            version=self.version,
            available=self.spendable,
            bonus=0,
            reserved=self.reserved,
            entries=tuple(entries),
        )

    def job(self, id_: UUID, status: str, version: int = 1, receipt: Receipt | None = None) -> JobChanged:
        now = utc_now()
        return JobChanged(
            id=id_, team_id=self.team_id, version=version, operation=Operation.GENERATE_IMAGES, status=status,
            quantity=4, recipe=Recipe(), receipt=receipt, created_at=now, updated_at=now,
        )  # fmt: skip

    async def begun(self, amount: int = 8) -> UUID:
        """A job whose credits are held."""
        id_ = uuid4()
        await self.hear(self.account(("reserve", -amount, 0, id_)), self.job(id_, "processing"))
        return id_

    async def settled(self, job_id: UUID) -> None:
        await self.hear(self.account(("deduct", 0, 6, job_id), ("refund", 2, 0, job_id)))

    async def ended(self, job_id: UUID) -> None:
        await self.hear(self.job(job_id, "completed", 2, PAID))

    async def look(self, after: timedelta = NONE, grace: timedelta = NONE) -> list[tuple[str, UUID]]:
        """Look at what is new, as if so much time had passed."""
        found = await audit_news(self.transaction, lambda: utc_now() + after, grace)
        assert found is not None
        return shown(found.findings)

    async def rows(self, query: str) -> Sequence[object]:
        async with self.database.reading() as connection:
            return list(await connection.execute(text(query)))

    async def said(self) -> list[str]:
        return [row.type for row in await self.rows("select type from gateway.outbox order by id")]


def shown(findings: Sequence[StoredFinding]) -> list[tuple[str, UUID]]:
    return [(one.finding.kind.value, one.finding.subject) for one in findings]


@pytest.fixture
async def house(database: Database) -> House:
    house = House(database)
    await house.hear(house.account(("replenish", 200, 0, None)))
    return house


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


async def test_healing_asks_credits_once_for_what_the_receipt_says(house: House):
    delivered, failed, untold = [await house.begun() for _ in range(3)]
    await house.ended(delivered)
    await house.hear(house.job(failed, "failed", 2, FREED), house.job(untold, "completed", 2))
    await house.look()
    remedies = await heal_holds(house.transaction, utc_now, limit=20)

    assert sorted(remedies, key=lambda remedy: remedy.type) == [
        CaptureCredits(job_id=delivered, team_id=house.team_id, quantity=3),
        ReleaseCredits(job_id=failed, team_id=house.team_id, reason="audit: failed"),
    ]
    assert sorted(await house.said()) == ["credits.capture.v1", "credits.release.v1"]
    await house.look()
    assert await heal_holds(house.transaction, utc_now, limit=20) == []
    assert len(await house.said()) == 2


async def test_what_comes_back_is_not_healed_twice(house: House):
    job_id = await house.begun()
    await house.ended(job_id)
    await house.look()
    assert len(await heal_holds(house.transaction, utc_now, limit=20)) == 1
    await house.settled(job_id)
    await house.look()
    async with house.database.transaction() as session:
        await session.connection.execute(
            text("delete from gateway.view_credit_entries where job_id = :id and kind <> 'reserve'"),
            {"id": job_id},
        )

    found = await audit(house.transaction, utc_now, NONE)
    assert ("open_hold", job_id) in shown(found.findings)
    assert await heal_holds(house.transaction, utc_now, limit=20) == []


async def test_healing_is_bounded_and_two_healers_share_the_work(house: House):
    jobs = [await house.begun() for _ in range(5)]
    for job_id in jobs:
        await house.ended(job_id)
    await house.look()
    assert len(await heal_holds(house.transaction, utc_now, limit=2)) == 2
    rest = await asyncio.gather(*(heal_holds(house.transaction, utc_now, limit=20) for _ in range(3)))

    assert sorted(len(remedies) for remedies in rest) == [0, 0, 3]
    assert len(await house.said()) == 5


async def test_a_suspicion_is_not_healed(house: House):
    job_id = await house.begun()
    await house.ended(job_id)
    await house.look(grace=MINUTES)

    assert await heal_holds(house.transaction, utc_now, limit=20) == []


async def test_findings_remember_when_they_were_first_seen(house: House):
    job_id = await house.begun()
    await house.ended(job_id)
    await house.look()
    async with house.transaction() as work:
        [first] = await work.findings.standing()
    await house.look(timedelta(minutes=5))
    async with house.transaction() as work:
        [again] = await work.findings.standing()

    assert isinstance(first.first_seen_at, datetime)
    assert again.first_seen_at == first.first_seen_at
