"""Bought credits last; money that goes back takes its credits back, whatever became of them."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from services.credits.tests.conftest import Credits
from services.credits.tests.stories import (
    DAY,
    NOW,
    ask,
    captured,
    dispute,
    order,
    period,
    refund,
    released,
    top_up,
)

from contracts.credits import AccountChanged, CreditsHeld, CreditsSettled, HoldDeclined


async def lines(service: Credits, message: object) -> list[tuple[str, int]]:
    account = await service.answer(message, AccountChanged)
    return [(entry.kind, entry.amount) for entry in account.entries]


async def bought(service: Credits, credits: int = 50, **fields: object):
    paid = top_up(uuid4(), credits, **fields)
    await service.tell(paid)
    return paid


async def test_a_top_up_comes_once_and_survives_renewals(service: Credits):
    team = uuid4()
    await service.tell(period(team, 200))
    assert await lines(service, top_up(team, 50)) == [("top_up", 50)]
    assert await service.tell(top_up(team, 50)) == []
    account = await service.answer(period(team, 100, NOW + DAY), AccountChanged)
    assert account.available == 150
    assert [(bucket.kind, bucket.remaining) for bucket in account.buckets] == [("plan", 100), ("topup", 50)]


async def test_a_top_up_with_other_content_raises_an_alarm(service: Credits):
    paid = await bought(service)
    assert await service.tell(top_up(paid.team_id, 60)) == []
    assert len(service.alarms.raised) == 1


async def test_a_top_up_may_expire(service: Credits):
    paid = await bought(service, expires_at=NOW + DAY)
    service.clock.forward(DAY)
    (account,) = await service.expire(paid.team_id)
    assert account.available == 0


async def test_what_is_unspent_is_clawed_back_once(service: Credits):
    paid = await bought(service)
    assert await lines(service, refund(paid)) == [("claw_back", -50)]
    assert await service.tell(refund(paid)) == []
    assert (await service.account(paid.team_id)).uncollected == 0


async def test_a_share_is_rounded_up_to_whole_credits_and_never_beyond_the_grant(service: Credits):
    paid = await bought(service, 10)
    assert await lines(service, refund(paid, 1 / 3, source_ref="a")) == [("claw_back", -4)]
    assert await lines(service, refund(paid, 0.1 + 0.2, source_ref="b")) == [("claw_back", -3)]
    assert await lines(service, refund(paid, 0.35, source_ref="c")) == [("claw_back", -3)]
    assert await service.tell(refund(paid, 0.35, source_ref="d")) == []


async def test_what_is_spent_is_owed(service: Credits):
    paid = await bought(service, 50)
    asked = ask(paid.team_id, order(16))
    await service.tell(asked)
    await service.tell(captured(asked, 16))
    account = await service.answer(refund(paid), AccountChanged)
    assert (account.available, account.uncollected) == (0, 32)
    assert [(entry.kind, entry.amount) for entry in account.entries] == [("claw_back", -18)]


async def test_what_is_held_is_clawed_back_when_it_returns(service: Credits):
    paid = await bought(service, 40)
    asked = ask(paid.team_id, order(16))
    await service.tell(asked)
    account = await service.answer(refund(paid), AccountChanged)
    assert (account.available, account.reserved, account.uncollected) == (0, 32, 32)

    account, settled = await service.tell(captured(asked, 5))
    assert (settled.captured, settled.released) == (10, 22)
    assert [(e.kind, e.amount) for e in account.entries] == [
        ("deduct", 0),
        ("refund", 22),
        ("claw_back", -22),
    ]
    assert (account.available, account.reserved, account.uncollected) == (0, 0, 10)


async def test_a_partial_refund_leaves_the_rest_of_what_was_held(service: Credits):
    paid = await bought(service, 40)
    asked = ask(paid.team_id, order(16))
    await service.tell(asked)
    await service.tell(refund(paid, 0.5))
    account = (await service.tell(released(asked)))[0]
    assert (account.available, account.reserved, account.uncollected) == (20, 0, 0)


async def test_a_refund_may_come_before_what_it_refunds(service: Credits):
    paid = top_up(uuid4(), 50)
    assert await service.tell(refund(paid, 0.5)) == []
    assert await lines(service, paid) == [("top_up", 50), ("claw_back", -25)]
    assert await service.tell(refund(paid, 0.5)) == []
    assert await service.tell(paid) == []


async def test_a_refunded_period_owes_nothing_for_what_expired_unspent(service: Credits):
    team = uuid4()
    first = period(team, 100)
    await service.tell(first)
    await service.tell(period(team, 200, NOW + DAY))
    account = await service.answer(refund(first), AccountChanged)
    assert (account.available, account.uncollected) == (200, 0)
    assert [(entry.kind, entry.amount) for entry in account.entries] == [("claw_back", 0)]


async def test_the_refund_of_another_teams_payment_raises_an_alarm(service: Credits):
    paid = await bought(service)
    assert await service.tell(refund(paid, team_id=uuid4())) == []
    assert await service.tell(refund(paid, 0.5)) != []
    assert await service.tell(refund(paid, 0.6)) == []
    assert len(service.alarms.raised) == 2


async def test_a_disputed_payment_freezes_the_account_until_it_is_won(service: Credits):
    paid = await bought(service)
    running = ask(paid.team_id, order(4))
    await service.tell(running)
    account = await service.answer(dispute(paid, "opened"), AccountChanged)
    assert account.frozen
    assert [(e.kind, e.amount, e.reason) for e in account.entries] == [
        ("adjustment", 0, "frozen: a payment is disputed")
    ]
    assert (await service.answer(ask(paid.team_id), HoldDeclined)).code == "account_frozen"
    assert (await service.answer(captured(running, 4), CreditsSettled)).captured == 8
    assert await service.tell(dispute(paid, "opened")) == []

    account = await service.answer(dispute(paid, "won"), AccountChanged)
    assert (account.frozen, account.available) == (False, 42)
    assert await service.tell(dispute(paid, "opened")) == []
    await service.answer(ask(paid.team_id), CreditsHeld)


async def test_a_lost_dispute_claws_back_and_the_account_is_blocked_by_what_it_owes(service: Credits):
    paid = await bought(service, 100)
    await service.tell(top_up(paid.team_id, 20, source_ref=str(uuid4())))
    asked = ask(paid.team_id, order(16), order(16))
    await service.tell(asked)
    for n in range(2):
        await service.tell(captured(asked, 16, n))
    await service.tell(dispute(paid, "opened"))
    account = await service.answer(dispute(paid, "lost"), AccountChanged)
    assert (account.frozen, account.available, account.uncollected) == (False, 20, 64)
    assert (await service.answer(ask(paid.team_id), HoldDeclined)).code == "account_frozen"


async def test_a_dispute_ends_once(service: Credits):
    paid = await bought(service)
    await service.tell(dispute(paid, "lost"))
    assert await service.tell(dispute(paid, "lost")) == []
    assert await service.tell(dispute(paid, "won")) == []
    assert len(service.alarms.raised) == 1


@pytest.mark.parametrize("ending", ["won", "lost"])
async def test_a_dispute_in_any_order_leaves_the_same(service: Credits, ending: str):
    found = set()
    for arrival in permutations(range(3)):
        paid = top_up(uuid4())
        story = [paid, dispute(paid, "opened"), dispute(paid, ending)]
        for n in (*arrival, *arrival):
            await service.tell(story[n])
        account = await service.account(paid.team_id)
        found.add((account.available, account.uncollected, account.frozen))
    assert found == {(0, 0, False) if ending == "lost" else (50, 0, False)}


async def test_a_payment_refunded_while_it_is_disputed_is_taken_back_once(service: Credits):
    paid = await bought(service)
    await service.tell(dispute(paid, "opened"))
    await service.tell(refund(paid))
    await service.tell(dispute(paid, "lost"))
    account = await service.account(paid.team_id)
    assert (account.available, account.uncollected, account.frozen) == (0, 0, False)


async def test_new_credits_wait_for_what_is_held_of_a_refunded_payment(service: Credits):
    """What is held may still return: new credits do not pay for it, or the team would lose both."""
    team: UUID = await service.team_with(0)
    paid = top_up(team, 8)
    await service.tell(paid)
    asked = ask(team, order(4), not_after=NOW + timedelta(days=9))
    await service.tell(asked)
    await service.tell(refund(paid))
    assert (await service.answer(period(team, 20, NOW + DAY), AccountChanged)).available == 20
    await service.tell(released(asked))
    account = await service.account(team)
    assert (account.available, account.uncollected) == (20, 0)
