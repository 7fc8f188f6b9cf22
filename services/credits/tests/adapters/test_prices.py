"""A price list comes into force at its time, is said once, and changes nothing offered or held before."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.fakes import PRICES, Memory
from services.credits.tests.stories import DAY, NOW, ask, ask_price, item, order

from chassis.database import Database
from contracts.credits import CreditsHeld, CreditsQuoted, HoldDeclined, PricingChanged
from contracts.orders import Operation
from credits.application.announce_accounts import announce_accounts
from credits.application.announce_prices import announce_prices
from credits.application.publish_prices import PricesOfThePast, publish_prices
from credits.domain.pricing import Price

HOUR = timedelta(hours=1)


@dataclass
class Shop:
    """Publishes prices of images, and finds out what they cost."""

    service: Credits

    async def publish(self, base, at=None):
        table = {**PRICES.prices, Operation.GENERATE_IMAGES: Price(base)}
        return await publish_prices(table, at, self.service.store.transaction, self.service.clock)

    async def said(self):
        await announce_prices(self.service.store.transaction, self.service.clock)
        return await self.service.store.said()

    async def price(self, team):
        asked = ask(team, order(1), not_after=NOW + 400 * DAY)
        (hold,) = (await self.service.answer(asked, CreditsHeld)).holds
        return hold.unit_price, hold.price_version


@pytest.fixture
async def shop(service: Credits) -> Shop:
    shop = Shop(service)
    await shop.publish(2)  # overrules whatever the test before has planned
    await shop.said()
    return shop


async def test_a_list_in_force_at_once_is_said_at_once_and_once(shop: Shop):
    made = await shop.publish(5)
    (document,) = await shop.said()
    assert isinstance(document, PricingChanged)
    assert (document.version, document.effective_at) == (made.version, NOW)
    assert {price.operation: price.base for price in document.prices} == {
        "create_model": 100, "refine_model": 50, "generate_images": 5,
    }  # fmt: skip
    assert await shop.said() == []


async def test_a_planned_list_is_said_and_paid_when_its_time_comes(shop: Shop):
    team = await shop.service.team_with(200)
    made = await shop.publish(5, NOW + HOUR)
    assert await shop.said() == []
    shop.service.clock.forward(HOUR - timedelta(microseconds=1))
    assert await shop.price(team) == (2, made.version - 1)
    assert [m for m in await shop.said() if isinstance(m, PricingChanged)] == []

    shop.service.clock.forward(timedelta(microseconds=1))
    assert [document.version for document in await shop.said()] == [made.version]
    assert await shop.price(team) == (5, made.version)


async def test_what_is_published_later_overrules_what_was_planned(shop: Shop):
    team = await shop.service.team_with(200)
    planned = await shop.publish(50, NOW + 2 * HOUR)
    sooner = await shop.publish(5, NOW + HOUR)
    assert (planned.overruled, sooner.overruled[-1]) == ([], planned.version)
    shop.service.clock.forward(3 * HOUR)
    assert [document.version for document in await shop.said()] == [sooner.version]
    assert await shop.price(team) == (5, sooner.version)


async def test_a_list_nobody_was_there_to_say_is_left_out(shop: Shop):
    await shop.publish(5, NOW + HOUR)
    last = await shop.publish(6, NOW + 2 * HOUR)
    shop.service.clock.forward(DAY)
    assert [document.version for document in await shop.said()] == [last.version]


async def test_nothing_is_published_for_the_past(shop: Shop):
    with pytest.raises(PricesOfThePast):
        await shop.publish(5, NOW - timedelta(seconds=1))
    assert await shop.said() == []


async def test_many_who_look_say_a_list_once(database: Database):
    shop = Shop(Credits(Postgres(database)))
    made = await shop.publish(3, NOW + DAY)
    shop.service.clock.forward(DAY)
    transaction, clock = shop.service.store.transaction, shop.service.clock
    await asyncio.gather(*(announce_prices(transaction, clock) for _ in range(6)))
    said = await shop.service.store.said()
    assert [document.version for document in said if document.version == made.version] == [made.version]


async def test_many_who_publish_get_a_version_each(database: Database):
    shop = Shop(Credits(Postgres(database)))
    made = await asyncio.gather(*(shop.publish(base, NOW + 30 * DAY) for base in range(1, 6)))
    versions = sorted(each.version for each in made)
    assert versions == list(range(versions[0], versions[0] + 5))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, 40), st.integers(0, 30)),
        st.tuples(st.just("quote"), st.integers(1, 16), st.integers(1, 16)),
        st.tuples(st.just("hold"), st.integers(0, 5), st.integers(1, 16)),
        st.tuples(st.just("wait"), st.integers(1, 10), st.none()),
    ),
    max_size=20,
)


@given(steps)
def test_whatever_is_published_between_a_quote_and_its_hold_the_quote_is_the_most_it_costs(steps):
    asyncio.run(carry_out(steps))


async def carry_out(steps) -> None:
    service, offers, taken = Credits(Memory()), [], set()
    shop, team = Shop(service), await service.team_with(1_000_000)
    for step, number, other in steps:
        if step == "publish":
            await shop.publish(number, service.clock.now + other * timedelta(minutes=1))
        elif step == "wait":
            service.clock.forward(number * timedelta(minutes=1))
        elif step == "quote":
            offers.append(await service.answer(ask_price(team, item(number), item(other)), CreditsQuoted))
        elif number < len(offers):
            await take(service, offers[number], other, taken)


async def take(service: Credits, offer: CreditsQuoted, quantity: int, taken: set) -> None:
    wanted = ask(offer.team_id, order(quantity), quote_id=offer.id, not_after=NOW + DAY)
    verdict = (await service.tell(wanted))[-1]
    if isinstance(verdict, HoldDeclined):
        late = service.clock.now >= offer.expires_at
        assert verdict.code == ("quote_expired" if late and offer.id not in taken else "quote_mismatch")
        assert late or offer.id in taken or quantity > sum(each.quantity for each in offer.items)
        return
    (hold,) = verdict.holds
    assert service.clock.now < offer.expires_at
    assert offer.id not in taken
    assert hold.unit_price <= offer.items[0].unit_price
    assert hold.amount <= offer.total
    taken.add(offer.id)


async def test_to_announce_prices_that_nobody_has_heard_of_is_news(shop: Shop):
    made = await shop.publish(7, NOW + HOUR)
    shop.service.clock.forward(HOUR)
    for news in (True, False):
        await announce_accounts(None, shop.service.store.transaction, shop.service.clock)
        said, said_again = await shop.service.store.said(), await shop.service.store.said_again()
        assert [document.version for document in said] == [made.version] * news
        again = [document.version for document in said_again if isinstance(document, PricingChanged)]
        assert again.count(made.version) == (not news)


async def test_prices_of_earlier_are_announced_too(shop: Shop):
    service = shop.service
    made = []
    for hours in (1, 2):
        made.append((await shop.publish(hours, NOW + hours * HOUR)).version)
        service.clock.forward(HOUR)
        await announce_prices(service.store.transaction, service.clock)
    said = [fact for fact in await service.store.said() if isinstance(fact, PricingChanged)]
    await announce_accounts(None, service.store.transaction, service.clock)
    again = [fact for fact in await service.store.said_again() if isinstance(fact, PricingChanged)]
    assert [fact.version for fact in said] == made
    assert again[-2:] == said
