"""A closed team spends nothing new; what it paid stays to be read."""

from uuid import uuid4

import pytest
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.fakes import Memory
from services.credits.tests.stories import NOW, ask, captured, order

from chassis.testing import delivery
from contracts.credits import AccountChanged, CreditsSettled, HoldDeclined
from contracts.gateway import TeamClosed
from credits.application.close_accounts import close_accounts


@pytest.fixture(params=["memory", "postgres"])
def service(request: pytest.FixtureRequest) -> Credits:
    if request.param == "memory":
        return Credits(Memory())
    return Credits(Postgres(request.getfixturevalue("database")))


async def test_a_closed_team_holds_nothing_new_and_what_runs_is_settled(service: Credits):
    team = await service.team_with(100)
    running = ask(team, order(4))
    await service.tell(running)
    closed = delivery(TeamClosed(team_id=team, closed_at=NOW))
    unknown = delivery(TeamClosed(team_id=uuid4(), closed_at=NOW))
    await close_accounts([closed, unknown], service.store.transaction, lambda: NOW)
    said = [each for each in await service.store.said() if isinstance(each, AccountChanged)]
    await close_accounts([closed], service.store.transaction, lambda: NOW)
    again = await service.store.said()

    assert {(account.frozen, account.entries[0].reason) for account in said} == {
        (True, "frozen: the team is closed")
    }
    assert again == []
    assert (await service.answer(ask(team), HoldDeclined)).code == "account_frozen"
    assert (await service.answer(captured(running, 4), CreditsSettled)).captured == 8
