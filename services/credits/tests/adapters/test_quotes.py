"""An offer is made once, kept, and binds whoever decides the hold."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.stories import NOW, ask, ask_price, item, order

from chassis.database import Database
from chassis.testing import delivery
from contracts.credits import AccountChanged, CreditsHeld, CreditsQuoted, HoldDeclined
from contracts.orders import Operation
from credits.application.forget_offers import KEPT, forget_offers
from credits.application.ports import Wanted
from credits.application.publish_prices import publish_prices
from credits.domain.pricing import Price

MINUTE = timedelta(minutes=1)


@pytest.fixture
def postgres(database: Database) -> Credits:
    return Credits(Postgres(database))


async def publish(service: Credits, base: int) -> int:
    table = dict.fromkeys(Operation, Price(base))
    made = await publish_prices(table, None, service.store.transaction, service.clock)
    await service.store.said()
    return made.version


async def test_an_offer_is_answered_and_changes_no_account(service: Credits):
    team = await service.team_with(200)
    asked = ask_price(team, item(4), item(1, quality="high"))
    (offer,) = await service.tell(asked)
    assert isinstance(offer, CreditsQuoted)
    assert (offer.request_id, offer.id, offer.team_id) == (asked.request_id, asked.request_id, team)
    assert (await service.account(team)).version == 1


async def test_an_offer_asked_for_again_is_the_same_offer(service: Credits):
    team = await service.team_with(200)
    asked, message_id = ask_price(team), uuid4()
    (offer,) = await service.tell(asked, message_id=message_id)
    service.clock.forward(20 * MINUTE)
    assert await service.tell(asked, message_id=message_id) == []
    assert await service.tell(asked, asked) == [offer, offer]


async def test_the_same_asking_on_many_connections_is_one_offer(postgres: Credits):
    team = await postgres.team_with(200)
    asked = ask_price(team)
    await asyncio.gather(*(postgres.handle([delivery(asked)]) for _ in range(6)))
    offers = [message for message in await postgres.store.said() if isinstance(message, CreditsQuoted)]
    assert len(offers) == 6
    assert offers.count(offers[0]) == 6


async def test_an_offer_for_other_items_or_another_team_changes_nothing(service: Credits):
    team = await service.team_with(200)
    asked = ask_price(team, item(4))
    await service.tell(asked)
    assert await service.tell(ask_price(team, item(5), request_id=asked.request_id)) == []
    assert await service.tell(ask_price(uuid4(), item(4), request_id=asked.request_id)) == []
    assert len(service.alarms.raised) == 2


async def test_a_team_nobody_has_heard_of_may_ask_what_things_cost(service: Credits):
    assert (await service.answer(ask_price(uuid4(), item(4)), CreditsQuoted)).items[0].quantity == 4


async def test_a_quote_binds_when_a_dearer_list_has_come_into_force(service: Credits):
    team = await service.team_with(2000)
    before = await publish(service, 3)
    offer = await service.answer(ask_price(team, item(4)), CreditsQuoted)
    after = await publish(service, 70)
    held = await service.answer(ask(team, order(3), quote_id=offer.id), CreditsHeld)
    assert [(h.unit_price, h.amount, h.price_version) for h in held.holds] == [(3, 9, before)]
    plain = await service.answer(ask(team, order(3)), CreditsHeld)
    assert [(h.unit_price, h.price_version) for h in plain.holds] == [(70, after)]


async def test_a_list_that_became_cheaper_is_what_is_paid(service: Credits):
    team = await service.team_with(2000)
    await publish(service, 9)
    offer = await service.answer(ask_price(team, item(4)), CreditsQuoted)
    after = await publish(service, 1)
    held = await service.answer(ask(team, order(4), quote_id=offer.id), CreditsHeld)
    assert [(h.unit_price, h.price_version) for h in held.holds] == [(1, after)]


async def test_a_quote_ends_with_its_time(service: Credits):
    team = await service.team_with(200)
    offer = await service.answer(ask_price(team, item(4)), CreditsQuoted)
    service.clock.now = offer.expires_at
    late = ask(team, order(4), quote_id=offer.id, not_after=NOW + timedelta(days=1))
    assert (await service.answer(late, HoldDeclined)).code == "quote_expired"


async def test_a_quote_nobody_took_is_forgotten_long_after_its_time(service: Credits):
    team = await service.team_with(2000)
    taken, left = [await service.answer(ask_price(team, item(1)), CreditsQuoted) for _ in range(2)]
    await service.answer(ask(team, order(1), quote_id=taken.id), CreditsHeld)

    async def refused(offer: CreditsQuoted) -> str:
        late = ask(team, order(1), quote_id=offer.id, not_after=NOW + timedelta(days=60))
        return (await service.answer(late, HoldDeclined)).code

    service.clock.now = left.expires_at + KEPT
    await forget_offers(service.store.transaction, service.clock)
    assert await refused(left) == "quote_expired"
    service.clock.forward(MINUTE)
    await forget_offers(service.store.transaction, service.clock)
    assert await refused(left) == "quote_mismatch"
    async with service.store.transaction() as work:
        books = await work.bookkeeper.open(Wanted(teams={team}, quotes={taken.id, left.id}))
    assert books.quotes.keys() == {taken.id}


async def test_a_quote_of_another_team_or_for_other_things_is_no_quote(service: Credits):
    team, other = await service.team_with(2000), await service.team_with(2000)
    offer = await service.answer(ask_price(team, item(4)), CreditsQuoted)
    for asked in (
        ask(other, order(4), quote_id=offer.id),
        ask(team, order(5), quote_id=offer.id),
        ask(team, order(2), order(3), quote_id=offer.id),
        ask(team, order(4, quality="high"), quote_id=offer.id),
        ask(team, order(1, Operation.CREATE_MODEL), quote_id=offer.id),
        ask(team, order(4), quote_id=uuid4()),
    ):
        assert (await service.answer(asked, HoldDeclined)).code == "quote_mismatch"
    assert await service.answer(ask(team, order(1), order(3), quote_id=offer.id), CreditsHeld)


async def test_two_requests_in_one_batch_share_no_quote(service: Credits):
    team = await service.team_with(200)
    offer = await service.answer(ask_price(team, item(4)), CreditsQuoted)
    asks = [ask(team, order(2), quote_id=offer.id) for _ in range(2)]
    verdicts = [each for each in await service.tell(*asks) if not isinstance(each, AccountChanged)]
    assert [getattr(verdict, "code", "held") for verdict in verdicts] == ["held", "quote_mismatch"]
    assert await service.tell(*asks) == verdicts


async def test_two_requests_at_once_share_no_quote(postgres: Credits):
    team = await postgres.team_with(200)
    offer = await postgres.answer(ask_price(team, item(4)), CreditsQuoted)
    asks = [ask(team, order(4), quote_id=offer.id) for _ in range(8)]
    await asyncio.gather(*(postgres.handle([delivery(asked)]) for asked in asks))
    said = await postgres.store.said()
    assert sum(isinstance(message, CreditsHeld) for message in said) == 1
    assert sum(getattr(message, "code", "") == "quote_mismatch" for message in said) == 7
