"""What a team asks for is set aside, all of it or nothing, and answered once."""

from datetime import timedelta
from uuid import uuid4

import pytest
from services.credits.tests.conftest import Credits
from services.credits.tests.stories import DAY, NOW, ask, captured, order, period, released, spending_key

from chassis.testing import delivery
from contracts.credits import AccountChanged, CreditsHeld, CreditsSettled, HoldDeclined
from contracts.orders import Operation, Size


async def test_a_hold_sets_credits_aside_and_says_what_each_unit_costs(service: Credits):
    team = await service.team_with(200)
    asked = ask(team, order(4))

    account, held = await service.tell(asked)

    assert isinstance(account, AccountChanged)
    assert isinstance(held, CreditsHeld)
    assert (account.version, account.available, account.reserved) == (2, 192, 8)
    (entry,) = account.entries
    assert (entry.kind, entry.amount, entry.balance_after, entry.version) == ("reserve", -8, 192, 2)
    assert entry.job_id == asked.orders[0].job_id
    (hold,) = held.holds
    assert (hold.amount, hold.unit_price, hold.price_version) == (8, 2, 1)
    assert hold.order == asked.orders[0]
    assert hold.expires_at == NOW + timedelta(hours=30, minutes=18, seconds=45)


async def test_the_orders_of_a_request_are_held_together_or_not_at_all(service: Credits):
    team = await service.team_with(150)
    both = ask(team, order(1, Operation.CREATE_MODEL), order(1, Operation.REFINE_MODEL))
    (_, held) = await service.tell(both)
    assert [hold.amount for hold in held.holds] == [100, 50]

    other = await service.team_with(149)
    (declined,) = await service.tell(
        ask(other, order(1, Operation.CREATE_MODEL), order(1, Operation.REFINE_MODEL))
    )
    assert (declined.code, declined.required, declined.spendable) == ("insufficient_credits", 150, 149)
    assert (await service.account(other)).reserved == 0


async def test_the_same_message_again_is_silent_and_a_new_asking_hears_the_same(service: Credits):
    team = await service.team_with(200)
    asked, message_id = ask(team), uuid4()
    (_, held) = await service.tell(asked, message_id=message_id)

    assert await service.tell(asked, message_id=message_id) == []
    assert await service.tell(asked) == [held]
    assert (await service.account(team)).reserved == 8


async def test_the_same_request_twice_in_one_batch_is_one_hold(service: Credits):
    team = await service.team_with(200)
    asked = ask(team)
    await service.handle([delivery(asked, message_id) for message_id in [uuid4()] * 5])
    assert [type(message) for message in await service.store.said()] == [AccountChanged, CreditsHeld]


async def test_a_decline_stays_a_decline_when_credits_have_come_since(service: Credits):
    team = await service.team_with(7)
    asked = ask(team)
    (declined,) = await service.tell(asked)
    await service.tell(period(team, 500, NOW + DAY))
    assert await service.tell(asked) == [declined]


async def test_a_request_that_says_something_else_the_second_time_changes_nothing(service: Credits):
    team = await service.team_with(200)
    asked = ask(team, order(1))
    await service.tell(asked)

    assert await service.tell(ask(team, order(2), request_id=asked.request_id)) == []
    assert await service.tell(ask(team, asked.orders[0])) == []
    assert len(service.alarms.raised) == 2
    assert (await service.account(team)).reserved == 2


async def test_a_request_asked_again_with_more_time_is_the_same_request(service: Credits):
    team = await service.team_with(200)
    asked = ask(team)
    (_, held) = await service.tell(asked)
    later = ask(team, *asked.orders, request_id=asked.request_id, not_after=NOW + DAY)
    assert await service.tell(later) == [held]


async def test_a_request_that_names_a_job_twice_is_refused(service: Credits):
    team = await service.team_with(200)
    twice = order(1)
    assert await service.tell(ask(team, twice, twice)) == []
    assert len(service.alarms.raised) == 1


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"not_after": NOW - timedelta(seconds=1)}, "too_late"),
        ({"max_credits": 7}, "max_credits_exceeded"),
        ({"quote_id": uuid4()}, "quote_mismatch"),
        ({"api_key": spending_key(7)}, "key_budget_exceeded"),
    ],
)
async def test_what_the_terms_forbid_is_declined(service: Credits, terms, code):
    team = await service.team_with(200)
    (declined,) = await service.tell(ask(team, order(4), **terms))
    assert isinstance(declined, HoldDeclined)
    assert (declined.code, declined.required, declined.spendable) == (code, 8, 200)


async def test_what_the_terms_just_allow_is_held(service: Credits):
    team = await service.team_with(8)
    asked = ask(team, order(4), not_after=NOW, max_credits=8, api_key=spending_key(8))
    assert (await service.answer(asked, CreditsHeld)).holds[0].amount == 8


async def test_a_key_spends_what_its_holds_cost_and_no_more(service: Credits):
    team = await service.team_with(200)
    key = spending_key(20)
    first, second = ask(team, order(4), api_key=key), ask(team, order(6), api_key=key)
    await service.tell(first, second)
    assert (
        await service.answer(ask(team, order(1), api_key=key), HoldDeclined)
    ).code == "key_budget_exceeded"

    await service.tell(captured(first, 2))
    await service.tell(released(second))
    assert (
        await service.answer(ask(team, order(9), api_key=key), HoldDeclined)
    ).code == "key_budget_exceeded"
    assert await service.answer(ask(team, order(8), api_key=key), CreditsHeld)


async def test_a_job_released_before_it_was_held_never_costs_anything(service: Credits):
    team = await service.team_with(200)
    asked = ask(team, order(4), order(4))

    settled = await service.answer(released(asked, 1), CreditsSettled)
    assert (settled.outcome, settled.held, settled.released) == ("released", 0, 0)
    (declined,) = await service.tell(asked)
    assert declined.code == "too_late"
    assert (await service.account(team)).reserved == 0


async def test_a_team_nobody_has_heard_of_has_nothing_to_spend(service: Credits):
    (declined,) = await service.tell(ask(uuid4()))
    assert (declined.code, declined.spendable) == ("insufficient_credits", 0)


async def test_one_batch_serves_first_come_and_changes_each_account_once(service: Credits):
    team, other = await service.team_with(20), await service.team_with(2)
    asks = [ask(team, order(4)) for _ in range(3)] + [ask(other, order(1)), ask(other, order(1))]

    said = await service.tell(*asks)

    assert [type(message) for message in said[:2]] == [AccountChanged, AccountChanged]
    assert {document.version for document in said[:2]} == {2}
    verdicts = [getattr(message, "code", "held") for message in said[2:]]
    assert verdicts == ["held", "held", "insufficient_credits", "held", "insufficient_credits"]


async def test_a_larger_or_better_picture_costs_more(service: Credits):
    team = await service.team_with(200)
    large = Size(width=1440, height=1440)
    asked = ask(team, order(1, quality="draft"), order(1, quality="high", size=large), order(3))
    held = await service.answer(asked, CreditsHeld)
    assert [(hold.unit_price, hold.amount) for hold in held.holds] == [(1, 1), (8, 8), (2, 6)]
