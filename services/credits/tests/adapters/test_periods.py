"""Credits come with a period, once, in whatever order periods arrive."""

from itertools import permutations
from uuid import uuid4

import pytest
from services.credits.tests.conftest import Credits
from services.credits.tests.stories import DAY, MONTH, NOW, ask, captured, order, period

from contracts.credits import AccountChanged


async def test_a_first_period_opens_the_account(service: Credits):
    team = uuid4()
    (account,) = await service.tell(period(team, 200))
    assert (account.version, account.available, account.bonus, account.reserved) == (1, 200, 0, 0)
    assert account.next_replenishment_at == NOW + MONTH
    (bucket,) = account.buckets
    assert (bucket.kind, bucket.granted, bucket.remaining) == ("plan", 200, 200)
    assert bucket.expires_at == NOW + MONTH + 3 * DAY
    assert [(e.kind, e.amount, e.balance_after) for e in account.entries] == [("replenish", 200, 200)]


async def test_free_credits_end_with_their_period(service: Credits):
    (account,) = await service.tell(period(uuid4(), 200, plan="free"))
    assert account.buckets[0].expires_at == NOW + MONTH


async def test_a_period_heard_twice_is_booked_once(service: Credits):
    team = uuid4()
    await service.tell(period(team, 200), period(team, 200))
    assert await service.tell(period(team, 200)) == []
    assert await service.tell(period(team, 300)) == []
    assert len(service.alarms.raised) == 1
    assert (await service.account(team)).available == 200


@pytest.mark.parametrize("order_of_arrival", list(permutations(range(3))))
async def test_periods_in_any_order_leave_the_newest(service: Credits, order_of_arrival):
    team = uuid4()
    periods = [
        period(team, 200, NOW, plan="free"),
        period(team, 1000, NOW + DAY),
        period(team, 300, NOW + 2 * DAY, kind="add"),
    ]
    for n in order_of_arrival:
        await service.tell(periods[n])
    account = await service.account(team)
    assert account.available == 1300
    assert account.next_replenishment_at == NOW + DAY + MONTH


async def test_credits_expire_when_nobody_renews(service: Credits):
    team = await service.team_with(200)
    await service.tell(ask(team, order(1)))
    service.clock.forward(MONTH + 3 * DAY)
    said = await service.expire(team)
    account = [message for message in said if isinstance(message, AccountChanged)][-1]
    assert (account.available, account.reserved) == (0, 0)
    assert account.buckets == ()
    assert await service.expire(team) == []


async def test_credits_that_were_all_spent_expire_once_and_for_all(service: Credits):
    team = await service.team_with(8)
    asked = ask(team, order(4))
    await service.tell(asked)
    await service.tell(captured(asked, 4))
    service.clock.forward(MONTH + 3 * DAY)
    assert await service.expire(team) == []
    async with service.store.transaction() as work:
        assert team not in await work.due.teams(service.clock(), 1000)


async def test_nothing_is_held_from_credits_whose_time_is_over(service: Credits):
    team = await service.team_with(200, lasting=DAY)
    service.clock.forward(5 * DAY)
    account, declined = await service.tell(ask(team, not_after=NOW + MONTH))
    assert (declined.code, declined.spendable) == ("insufficient_credits", 0)
    assert [(e.kind, e.amount) for e in account.entries] == [("expire", -200)]


async def test_a_period_that_brings_nothing_still_replaces_the_last(service: Credits):
    team = await service.team_with(200)
    account = await service.answer(period(team, 0, NOW + DAY), AccountChanged)
    assert account.available == 0
    assert [(e.kind, e.amount) for e in account.entries] == [("expire", -200), ("replenish", 0)]


async def test_a_period_opened_anew_from_another_source_replaces_the_first(service: Credits):
    team = await service.team_with(200)
    account = await service.answer(period(team, 300, source_ref=f"other:{team}"), AccountChanged)
    assert account.available == 300


async def test_a_period_heard_when_it_is_long_over_brings_nothing_to_spend(service: Credits):
    team = uuid4()
    account = await service.answer(period(team, 200, NOW - 2 * MONTH), AccountChanged)
    assert account.available == 0
    assert [(e.kind, e.amount) for e in account.entries] == [("replenish", 200), ("expire", -200)]
