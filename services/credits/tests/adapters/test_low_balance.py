"""A team hears once that it runs low, and again only after it had enough."""

from datetime import timedelta
from uuid import uuid4

import pytest
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.fakes import Memory
from services.credits.tests.stories import DAY, NOW, ask, captured, order, period, released, top_up

from chassis.testing import delivery
from contracts.billing import AutoTopUp, BillingChanged
from contracts.credits import AccountChanged, CreditsHeld, LowBalance
from credits.application.watch_balances import watch_balances
from credits.domain.limits import Limits

LIMITS = Limits(low_balance=20)


@pytest.fixture(params=["memory", "postgres"])
def service(request: pytest.FixtureRequest) -> Credits:
    if request.param == "memory":
        return Credits(Memory(LIMITS))
    return Credits(Postgres(request.getfixturevalue("database"), LIMITS))


def warnings(said) -> list[LowBalance]:
    return [message for message in said if isinstance(message, LowBalance)]


async def test_a_team_is_warned_between_its_account_and_the_answer(service: Credits):
    team = await service.team_with(27)
    account, warning, held = await service.tell(ask(team, order(4)))
    assert isinstance(account, AccountChanged)
    assert isinstance(held, CreditsHeld)
    assert warning == LowBalance(team_id=team, spendable=19, threshold=20, at=NOW, version=account.version)


async def test_exactly_the_threshold_is_not_low(service: Credits):
    team = await service.team_with(28)
    assert warnings(await service.tell(ask(team, order(4)))) == []
    assert len(warnings(await service.tell(ask(team, order(1, quality="draft"))))) == 1


async def test_who_is_low_is_not_warned_again_until_there_was_enough(service: Credits):
    team = await service.team_with(22)
    first, second = ask(team, order(1)), ask(team, order(1))
    assert warnings(await service.tell(first)) == []
    assert len(warnings(await service.tell(second))) == 1
    assert warnings(await service.tell(ask(team, order(1)))) == []
    assert warnings(await service.tell(captured(first, 1))) == []
    assert warnings(await service.tell(released(second))) == []

    assert warnings(await service.tell(period(team, 20, NOW + DAY))) == []
    assert [each.spendable for each in warnings(await service.tell(ask(team, order(1))))] == [18]


async def test_a_batch_warns_each_team_once(service: Credits):
    teams = [await service.team_with(24) for _ in range(2)]
    said = warnings(await service.tell(*(ask(team, order(1)) for team in teams * 5)))
    assert sorted((each.team_id, each.spendable) for each in said) == sorted((team, 14) for team in teams)


async def test_a_period_that_brings_little_warns_and_one_that_brings_enough_does_not(service: Credits):
    team = await service.team_with(200)
    assert warnings(await service.tell(period(team, 200, NOW + DAY))) == []
    assert len(warnings(await service.tell(period(team, 5, NOW + 2 * DAY)))) == 1


async def test_credits_that_expire_warn_too(service: Credits):
    team = await service.team_with(200, lasting=DAY)
    service.clock.forward(10 * DAY)
    assert len(warnings(await service.expire(team))) == 1


async def test_a_team_that_never_had_anything_is_not_warned(service: Credits):
    assert warnings(await service.tell(ask(uuid4()))) == []
    assert warnings(await service.tell(period(uuid4(), 5))) == []


async def test_a_hold_that_is_declined_warns_nobody(service: Credits):
    team = await service.team_with(20)
    assert warnings(await service.tell(ask(team, order(16)))) == []


async def test_by_nought_nobody_is_warned():
    quiet = Credits(Memory(Limits(low_balance=0)))
    team = await quiet.team_with(8)
    assert warnings(await quiet.tell(ask(team, order(4), not_after=NOW + timedelta(hours=1)))) == []


async def watching(service: Credits, team, version: int, threshold: int, *, stopped: str = ""):
    bought = AutoTopUp(enabled=True, threshold=threshold, pack="small", monthly_cap=5000, stopped=stopped)
    fact = BillingChanged(team_id=team, version=version, plan="free", status="active", auto_top_up=bought)
    await watch_balances([delivery(fact)], service.store.transaction, service.clock)
    return warnings(await service.store.said())


async def test_a_team_with_a_threshold_of_its_own_hears_of_that_too(service: Credits):
    team = await service.team_with(200)
    assert await watching(service, team, 1, 196) == []
    said = warnings(await service.tell(ask(team, order(4))))
    assert said == [LowBalance(team_id=team, spendable=192, threshold=196, at=NOW, version=2)]
    said = warnings(await service.tell(*(ask(team, order(16)) for _ in range(6))))
    assert said == [LowBalance(team_id=team, spendable=0, threshold=20, at=NOW, version=3)]


async def test_a_threshold_set_when_it_is_low_already_is_told_at_once_and_once(service: Credits):
    team = await service.team_with(200)
    assert [each.spendable for each in await watching(service, team, 1, 300)] == [200]
    assert await watching(service, team, 2, 300) == []
    assert await watching(service, team, 1, 400) == []
    assert await watching(service, team, 3, 300, stopped="declined") == []
    assert warnings(await service.tell(ask(team, order(4)))) == []


async def test_a_pack_that_is_not_enough_wants_another(service: Credits):
    team = await service.team_with(200)
    await watching(service, team, 1, 300)
    assert [each.spendable for each in warnings(await service.tell(top_up(team, 50)))] == [250]
    assert warnings(await service.tell(top_up(team, 50, source_ref="second"))) == []
