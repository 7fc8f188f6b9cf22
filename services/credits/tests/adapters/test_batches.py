"""Many at once: nobody spends the same credits twice, and a batch costs as many statements as one message."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.stories import (
    ask,
    ask_price,
    captured,
    item,
    order,
    period,
    released,
    spending_key,
)

from chassis.database import Database
from chassis.testing import delivery, statements
from contracts.credits import CreditsHeld, CreditsSettled, HoldDeclined


@pytest.fixture
def service(database: Database) -> Credits:
    return Credits(Postgres(database))


async def test_a_batch_takes_as_many_statements_as_one_message(service: Credits, database: Database):
    teams = [await service.team_with(1000) for _ in range(5)]
    key = spending_key(10_000)
    counts = []
    for size in (1, 50):
        asks = [ask(teams[n % 5], order(1), order(2), api_key=key) for n in range(size)]
        with statements() as holding:
            await service.handle([delivery(asked) for asked in asks])
        with statements() as capturing:
            await service.handle([delivery(captured(asked, 1)) for asked in asks])
        with statements() as releasing:
            await service.handle([delivery(released(asked, 1)) for asked in asks])
        counts.append((len(holding), len(capturing), len(releasing)))
    assert counts == [(8, 5, 5), (8, 5, 5)]


async def test_quotes_take_as_many_statements_whatever_the_batch(service: Credits, database: Database):
    teams = [await service.team_with(1000) for _ in range(5)]
    counts = []
    for size in (1, 50):
        asks = [ask_price(teams[n % 5], item(1), item(2)) for n in range(size)]
        with statements() as quoting:
            await service.handle([delivery(asked) for asked in asks])
        holds = [ask(asked.team_id, order(1), order(2), quote_id=asked.request_id) for asked in asks]
        with statements() as holding:
            await service.handle([delivery(asked) for asked in holds])
        counts.append((len(quoting), len(holding)))
    assert counts == [(6, 8), (6, 8)]


async def test_two_batches_cannot_hold_the_same_credits(service: Credits):
    team = await service.team_with(20)
    asks = [ask(team, order(1, quality="draft")) for _ in range(50)]
    await asyncio.gather(*(service.handle([delivery(asked)]) for asked in asks))

    said = await service.store.said()
    assert sum(isinstance(message, CreditsHeld) for message in said) == 20
    refused = [message for message in said if isinstance(message, HoldDeclined)]
    assert {(message.code, message.required) for message in refused} == {("insufficient_credits", 1)}
    assert len(refused) == 30
    assert (await service.account(team)).reserved == 20


async def test_the_same_request_on_many_connections_is_one_hold(service: Credits):
    team = await service.team_with(200)
    same = delivery(ask(team))
    await asyncio.gather(*(service.handle([same]) for _ in range(8)))
    held = [message for message in await service.store.said() if isinstance(message, CreditsHeld)]
    assert len(held) == 1
    assert (await service.account(team)).reserved == 8


async def test_batches_of_the_same_teams_in_any_order_do_not_block_each_other(service: Credits):
    teams = [await service.team_with(1000) for _ in range(6)]
    batches = [
        [delivery(ask(team, order(1))) for team in (teams if n % 2 else reversed(teams))] for n in range(12)
    ]
    await asyncio.gather(*(service.handle(batch) for batch in batches))
    assert [(await service.account(team)).reserved for team in teams] == [24] * 6


async def test_capture_and_release_at_the_same_time_end_a_hold_once(service: Credits):
    team = await service.team_with(1000)
    asks = [ask(team, order(4)) for _ in range(20)]
    await service.tell(*asks)
    service.clock.forward(timedelta(days=2))
    await asyncio.gather(
        *(service.handle([delivery(captured(asked, 4))]) for asked in asks),
        *(service.handle([delivery(released(asked))]) for asked in asks),
        service.expire(team),
    )
    said = [message for message in await service.store.said() if isinstance(message, CreditsSettled)]
    for asked in asks:
        outcomes = {m.outcome for m in said if m.job_id == asked.orders[0].job_id} - {"expired"}
        assert len(outcomes) <= 1
    account = await service.account(team)
    assert account.reserved == 0


async def test_the_same_period_on_two_connections_brings_its_credits_once(service: Credits):
    team = uuid4()
    same = period(team, 200)
    await asyncio.gather(*(service.handle([delivery(same)]) for _ in range(4)))
    assert (await service.account(team)).available == 200


async def test_a_job_held_by_two_teams_at_once_belongs_to_one(service: Credits):
    job = order(1)
    teams = [await service.team_with(10), await service.team_with(10)]
    results = await asyncio.gather(
        *(service.handle([delivery(ask(team, job))]) for team in teams), return_exceptions=True
    )
    assert sum(isinstance(result, Exception) for result in results) + len(service.alarms.raised) == 1
    reserved = [(await service.account(team)).reserved for team in teams]
    assert sorted(reserved) == [0, 2]


async def test_a_batch_of_many_is_as_many_batches_of_one(service: Credits):
    pairs = []
    for batched in (True, False):
        team = await service.team_with(100)
        asks = [ask(team, order(quantity)) for quantity in (4, 16, 16, 8, 4, 16)]
        said = []
        for batch in [asks] if batched else [[asked] for asked in asks]:
            said += await service.tell(*batch)
        verdicts = [type(m).__name__ for m in said if isinstance(m, CreditsHeld | HoldDeclined)]
        account = await service.account(team)
        pairs.append((verdicts, account.available, account.reserved))
    assert pairs[0] == pairs[1]
    assert pairs[0][1:] == (4, 96)
