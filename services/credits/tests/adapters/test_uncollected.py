"""What could not be collected is owed: shown, paid from what comes in, and no reason to go on for ever."""

from datetime import timedelta

import pytest
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.fakes import Memory
from services.credits.tests.stories import DAY, NOW, ask, captured, order, period, released

from contracts.credits import AccountChanged, CreditsHeld, CreditsSettled, HoldDeclined
from credits.application.adjust_credits import adjust_credits
from credits.domain.limits import Limits

LATER = NOW + timedelta(days=30)
LIMITS = Limits(uncollected=8)


@pytest.fixture(params=["memory", "postgres"])
def service(request: pytest.FixtureRequest) -> Credits:
    if request.param == "memory":
        return Credits(Memory(LIMITS))
    return Credits(Postgres(request.getfixturevalue("database"), LIMITS))


async def owing(service: Credits, owed: int):
    """Let a team owe what was delivered after its hold had expired; `spare` holds 20 credits meanwhile."""
    team = await service.team_with(20)
    late = ask(team, order(10))
    await service.tell(late)
    service.clock.forward(3 * DAY)
    await service.expire(team)
    spare = ask(team, order(10), not_after=LATER)
    await service.tell(spare)
    account, settled = await service.tell(captured(late, owed // 2))
    assert isinstance(settled, CreditsSettled)
    assert (settled.outcome, settled.uncollected) == ("uncollected", owed)
    assert (account.available, account.reserved, account.uncollected) == (0, 20, owed)
    return team, spare


def lines(account: AccountChanged) -> list[tuple[str, int, int]]:
    return [(entry.kind, entry.amount, entry.balance_after) for entry in account.entries]


async def test_a_new_period_pays_what_is_owed_first(service: Credits):
    team, _ = await owing(service, 6)
    account = await service.answer(period(team, 200, NOW + DAY), AccountChanged)
    assert lines(account) == [("replenish", 200, 200), ("claw_back", -6, 194)]
    assert (account.available, account.uncollected) == (194, 0)


async def test_what_does_not_suffice_pays_a_part(service: Credits):
    team, _ = await owing(service, 6)
    account = await service.answer(period(team, 4, NOW + DAY), AccountChanged)
    assert (account.available, account.uncollected) == (0, 2)
    assert [bucket.remaining for bucket in account.buckets if bucket.granted == 4] == []


async def test_an_adjustment_pays_and_so_writes_off_what_is_owed(service: Credits):
    team, _ = await owing(service, 6)
    await adjust_credits(team, 6, "written off", service.store.transaction, service.clock)
    (account,) = await service.store.said()
    assert lines(account) == [("adjustment", 6, 6), ("claw_back", -6, 0)]
    assert (account.available, account.uncollected) == (0, 0)


async def test_a_released_hold_comes_back_whole_all_the_same(service: Credits):
    _, spare = await owing(service, 6)
    account = await service.answer(released(spare), AccountChanged)
    assert lines(account) == [("refund", 20, 20)]
    assert (account.available, account.uncollected) == (20, 6)


@pytest.mark.parametrize(("owed", "goes_on"), [(8, True), (10, False)])
async def test_who_owes_more_than_is_tolerated_holds_nothing_new(service: Credits, owed, goes_on):
    team, spare = await owing(service, owed)
    await service.tell(released(spare))
    (*_, verdict) = await service.tell(ask(team, order(1), not_after=LATER))
    assert isinstance(verdict, CreditsHeld) == goes_on
    if isinstance(verdict, HoldDeclined):
        assert (verdict.code, verdict.spendable) == ("account_frozen", 20)


async def test_what_is_held_already_is_done_and_paid_for_all_the_same(service: Credits):
    _, spare = await owing(service, 10)
    assert (await service.answer(captured(spare, 10), CreditsSettled)).captured == 20


async def test_who_has_paid_may_hold_again(service: Credits):
    team, _ = await owing(service, 10)
    await service.tell(period(team, 200, NOW + DAY))
    assert await service.answer(ask(team, order(1), not_after=LATER), CreditsHeld)


async def test_whether_the_period_or_the_late_delivery_comes_first_is_worth_nothing(service: Credits):
    left = []
    for period_first in (True, False):
        team = await service.team_with(8)
        late = ask(team, order(4), not_after=LATER)
        await service.tell(late)
        service.clock.forward(3 * DAY)
        await service.expire(team)
        spent = ask(team, order(4), not_after=LATER)
        await service.tell(spent)
        for message in [period(team, 100, NOW + DAY), captured(late, 4)][:: 1 if period_first else -1]:
            await service.tell(message)
        account = await service.account(team)
        left.append((account.available, account.reserved, account.uncollected))
        service.clock.now = NOW
    assert left == [(92, 8, 0)] * 2
