"""A hold ends once, and nobody is charged for what they did not get."""

from datetime import timedelta
from uuid import uuid4

import pytest
from services.credits.tests.conftest import Credits
from services.credits.tests.stories import DAY, NOW, ask, captured, order, period, released, spending_key

from contracts.credits import (
    AccountChanged,
    CaptureCredits,
    CreditsHeld,
    CreditsSettled,
    Forgotten,
    HoldDeclined,
)
from contracts.orders import Operation
from credits.domain.account import NotEnoughCredits
from credits.domain.settling import UnknownHold

LONG = timedelta(days=3)


async def test_a_job_pays_for_what_it_delivered(service: Credits):
    team = await service.team_with(200)
    asked = ask(team, order(4))
    await service.tell(asked)

    account, settled = await service.tell(captured(asked, 3))

    assert isinstance(account, AccountChanged)
    assert isinstance(settled, CreditsSettled)
    assert (settled.outcome, settled.held, settled.captured, settled.released) == ("captured", 8, 6, 2)
    assert settled.entry_ids == tuple(entry.id for entry in account.entries)
    lines = [(e.kind, e.amount, e.charged, e.balance_after) for e in account.entries]
    assert lines == [("deduct", 0, 6, 192), ("refund", 2, 0, 194)]
    assert (account.available, account.reserved, account.version) == (194, 0, 3)


async def test_what_is_delivered_whole_leaves_nothing_to_give_back(service: Credits):
    team = await service.team_with(200)
    asked = ask(team, order(4))
    await service.tell(asked)
    account, settled = await service.tell(captured(asked, 4))
    assert [entry.kind for entry in account.entries] == ["deduct"]
    assert (settled.captured, settled.released) == (8, 0)


async def test_a_released_hold_comes_back_whole(service: Credits):
    team = await service.team_with(200)
    asked = ask(team, order(4))
    await service.tell(asked)
    account, settled = await service.tell(released(asked))
    assert (settled.outcome, settled.captured, settled.released) == ("released", 0, 8)
    assert (account.available, account.reserved) == (200, 0)
    assert [(entry.kind, entry.amount, entry.reason) for entry in account.entries] == [
        ("refund", 8, "cancelled")
    ]


async def test_the_first_decision_stands_whatever_comes_later(service: Credits):
    team = await service.team_with(200)
    asked = ask(team, order(4))
    await service.tell(asked)
    first = await service.answer(captured(asked, 3), CreditsSettled)

    assert await service.tell(captured(asked, 3)) == [first]
    assert await service.tell(released(asked)) == [first]
    assert service.alarms.raised == []
    assert await service.tell(captured(asked, 4)) == [first]
    assert service.alarms.raised == ["credits.capture.v1: the hold ended otherwise before"]


async def test_the_same_message_again_is_silent(service: Credits):
    team = await service.team_with(200)
    asked, message_id = ask(team), uuid4()
    await service.tell(asked)
    await service.tell(released(asked), message_id=message_id)
    assert await service.tell(released(asked), message_id=message_id) == []


async def test_another_team_cannot_settle_a_hold_nor_can_more_be_captured_than_held(service: Credits):
    team = await service.team_with(200)
    asked = ask(team, order(4))
    await service.tell(asked)
    foreign = captured(asked, 4).model_copy(update={"team_id": uuid4()})

    assert await service.tell(foreign) == []
    assert await service.tell(captured(asked, 5)) == []
    assert len(service.alarms.raised) == 2
    assert (await service.account(team)).reserved == 8


async def test_a_capture_of_what_was_never_held_is_not_handled(service: Credits):
    with pytest.raises(UnknownHold):
        await service.tell(CaptureCredits(job_id=uuid4(), team_id=uuid4(), quantity=1))


async def test_what_was_held_before_a_restore_is_charged_once_as_jobs_remembers_it(service: Credits):
    team = await service.team_with(200)
    held = Forgotten(operation=Operation.GENERATE_IMAGES, quantity=4, unit_price=2, price_version=1)
    capture = CaptureCredits(job_id=uuid4(), team_id=team, quantity=3, held=held)

    settled = await service.answer(capture, CreditsSettled)
    assert (settled.outcome, settled.held, settled.captured, settled.released) == ("captured", 8, 6, 2)
    again = await service.answer(capture, CreditsSettled)
    account = await service.account(team)
    assert (again, account.available, account.reserved) == (settled, 194, 0)


async def test_what_was_held_before_a_restore_is_not_charged_beyond_what_is_there(service: Credits):
    team = await service.team_with(7)
    held = Forgotten(operation=Operation.GENERATE_IMAGES, quantity=4, unit_price=2)
    with pytest.raises(NotEnoughCredits):
        await service.tell(CaptureCredits(job_id=uuid4(), team_id=team, quantity=3, held=held))
    assert (await service.account(team)).available == 7


async def test_a_hold_nobody_settles_expires(service: Credits):
    team = await service.team_with(200)
    asked = ask(team, order(4))
    await service.tell(asked)
    service.clock.forward(timedelta(hours=30))
    assert await service.expire(team) == []

    service.clock.forward(timedelta(minutes=19))
    account, settled = await service.expire(team)
    assert (settled.outcome, settled.released) == ("expired", 8)
    assert (account.available, account.reserved) == (200, 0)
    assert await service.expire(team) == []


async def test_what_is_delivered_after_its_hold_expired_is_paid_from_what_is_there(service: Credits):
    team = await service.team_with(200)
    asked = ask(team, order(4))
    await service.tell(asked)
    service.clock.forward(LONG)
    await service.expire(team)

    account, settled = await service.tell(captured(asked, 3))
    assert (settled.outcome, settled.captured, settled.released) == ("late_captured", 6, 2)
    assert account.available == 194
    assert await service.tell(captured(asked, 3)) == [settled]


async def test_what_cannot_be_paid_late_is_booked_as_uncollected(service: Credits):
    team = await service.team_with(10)
    asked = ask(team, order(4))
    await service.tell(asked)
    service.clock.forward(LONG)
    await service.expire(team)
    await service.tell(ask(team, order(3), not_after=NOW + LONG))

    account, settled = await service.tell(captured(asked, 4))
    assert settled.outcome == "uncollected"
    assert (settled.held, settled.captured, settled.released, settled.uncollected) == (8, 4, 0, 4)
    assert (account.available, account.reserved) == (0, 6)


async def test_what_returns_to_a_replaced_bucket_expires_with_it(service: Credits):
    team = await service.team_with(100)
    asked = ask(team, order(4))
    await service.tell(asked)
    service.clock.forward(DAY)
    account = await service.answer(period(team, 200, NOW + DAY), AccountChanged)
    assert (account.available, account.reserved) == (200, 8)
    assert [(e.kind, e.amount) for e in account.entries] == [("expire", -92), ("replenish", 200)]

    account, settled = await service.tell(captured(asked, 1))
    assert (settled.captured, settled.released) == (2, 6)
    assert [(e.kind, e.amount) for e in account.entries] == [("deduct", 0), ("refund", 6), ("expire", -6)]
    assert (account.available, account.reserved) == (200, 0)


async def test_a_hold_expires_at_its_very_moment(service: Credits):
    team = await service.team_with(200)
    held = await service.answer(ask(team), CreditsHeld)
    service.clock.now = held.holds[0].expires_at
    assert isinstance((await service.expire(team))[-1], CreditsSettled)


async def test_what_is_captured_late_counts_for_the_key_that_spent_it(service: Credits):
    team, key = await service.team_with(200), spending_key(10)
    asked = ask(team, order(4), api_key=key)
    await service.tell(asked)
    service.clock.forward(LONG)
    await service.expire(team)
    await service.tell(captured(asked, 4))
    again = ask(team, order(2), api_key=key, not_after=NOW + 2 * LONG)
    assert (await service.answer(again, HoldDeclined)).code == "key_budget_exceeded"


async def test_nothing_is_paid_late_from_credits_whose_time_is_over(service: Credits):
    team = await service.team_with(200, lasting=DAY)
    asked = ask(team, order(4))
    await service.tell(asked)
    service.clock.forward(LONG)
    await service.expire(team)
    service.clock.forward(LONG)
    assert (await service.answer(captured(asked, 4), CreditsSettled)).uncollected == 8


async def test_a_bucket_is_shown_while_it_still_holds_something(service: Credits):
    team = await service.team_with(8)
    account = await service.answer(ask(team, order(4)), AccountChanged)
    assert [(bucket.remaining, bucket.held) for bucket in account.buckets] == [(0, 8)]
