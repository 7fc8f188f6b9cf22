"""Within its time a quote is the most that what it covers can cost, whatever happens to the prices."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from services.credits.tests.books import refused
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import NOW, ask, ask_price, item, order, period

from contracts.credits import CreditsHeld, CreditsQuoted, HoldDeclined
from contracts.orders import Operation, Size
from credits.domain.account import Account
from credits.domain.books import Books, ConflictingContent
from credits.domain.holding import hold
from credits.domain.limits import Limits
from credits.domain.pricing import Price, PriceList, Step
from credits.domain.quote import Quote
from credits.domain.quoting import quote
from credits.domain.replenishing import open_period

TEAM = UUID(int=1)
LIFETIME = Limits().quote_lifetime
LARGE = Size(width=1440, height=1440)


def books() -> Books:
    opened = Books({TEAM: Account(TEAM, uuid4)})
    open_period(opened, period(TEAM, 1_000_000), NOW)
    return opened


def quoted(opened: Books, *items, prices: PriceList = PRICES) -> CreditsQuoted:
    offer = quote(opened, prices, ask_price(TEAM, *items), uuid4(), NOW)
    assert offer is not None
    return offer


def held(opened: Books, offer: CreditsQuoted, *orders, prices=PRICES, at=NOW):
    return hold(opened, prices, ask(TEAM, *orders, quote_id=offer.id), uuid4(), at)


multipliers = st.decimals("0.1", 9, places=1)
prices = st.builds(
    Price,
    st.integers(0, 60),
    st.dictionaries(st.sampled_from(["draft", "standard", "high"]), multipliers),
    st.lists(multipliers, max_size=3).map(
        lambda factors: tuple(Step(n * 1024 * 1024, factor) for n, factor in enumerate(factors, 1))
    ),
)
tables = st.fixed_dictionaries(dict.fromkeys(Operation, prices))
lists = st.lists(tables, min_size=1, max_size=5).map(
    lambda several: [PriceList(version, NOW, table) for version, table in enumerate(several, 1)]
)
options = st.fixed_dictionaries(
    {
        "quantity": st.integers(1, 16),
        "operation": st.sampled_from(Operation),
        "quality": st.sampled_from(["draft", "standard", "high"]),
        "size": st.sampled_from([None, LARGE]),
    }
)


@given(lists, st.lists(options, min_size=1, max_size=4), st.data())
def test_a_quoted_request_never_costs_more_than_its_quote_nor_than_the_list(lists, wanted, data):
    opened, then = books(), data.draw(st.sampled_from(lists))
    offer = quoted(opened, *(item(**each) for each in wanted), prices=then)
    fewer = [{**each, "quantity": data.draw(st.integers(1, each["quantity"]))} for each in wanted]
    now = data.draw(st.sampled_from(lists))

    orders = [order(**each) for each in fewer]
    verdict = held(opened, offer, *orders, prices=now)

    assert isinstance(verdict, CreditsHeld)
    charged = sum(hold.amount for hold in verdict.holds)
    assert charged <= offer.total
    assert charged <= sum(each.quantity * now.unit(each) for each in orders)
    for each in verdict.holds:
        (named,) = [one for one in lists if one.version == each.price_version]
        assert each.unit_price == named.unit(each.order)


@given(st.lists(options, min_size=1, max_size=3), st.lists(options, min_size=1, max_size=4))
def test_a_quote_covers_what_is_in_it_and_no_more(offered, wanted):
    opened = books()
    offer = quoted(opened, *(item(**each) for each in offered))

    def units(of):
        counts = {}
        for each in of:
            key = (each["operation"], each["quality"], each["size"])
            counts[key] = counts.get(key, 0) + each["quantity"]
        return counts

    there, asked = units(offered), units(wanted)
    covered = all(there.get(key, 0) >= quantity for key, quantity in asked.items())
    verdict = held(opened, offer, *(order(**each) for each in wanted))
    assert isinstance(verdict, CreditsHeld) == covered
    assert covered or verdict.code == "quote_mismatch"


def test_an_offer_says_what_each_unit_and_everything_costs():
    offer = quoted(books(), item(3), item(1, Operation.CREATE_MODEL), item(2, quality="high", size=LARGE))
    assert [(each.unit_price, each.total) for each in offer.items] == [(2, 6), (100, 100), (8, 16)]
    assert (offer.total, offer.price_version, offer.expires_at) == (122, 1, NOW + timedelta(minutes=15))


@pytest.mark.parametrize(
    ("after", "code"),
    [(LIFETIME - timedelta(microseconds=1), None), (LIFETIME, "quote_expired")],
)
def test_a_quote_binds_until_its_very_moment(after, code):
    opened = books()
    offer = quoted(opened, item(4))
    verdict = hold(
        opened,
        PRICES,
        ask(TEAM, order(4), quote_id=offer.id, not_after=NOW + 2 * LIFETIME),
        uuid4(),
        NOW + after,
    )
    assert getattr(verdict, "code", None) == code


def test_a_quote_is_good_for_one_request():
    opened = books()
    offer = quoted(opened, item(8))
    assert isinstance(held(opened, offer, order(4)), CreditsHeld)
    again = held(opened, offer, order(4))
    assert isinstance(again, HoldDeclined)
    assert again.code == "quote_mismatch"


def test_a_decline_does_not_use_a_quote_up():
    opened = books()
    offer = quoted(opened, item(8))
    refused = hold(opened, PRICES, ask(TEAM, order(8), quote_id=offer.id, max_credits=15), uuid4(), NOW)
    assert refused.code == "max_credits_exceeded"
    assert isinstance(held(opened, offer, order(8)), CreditsHeld)


def test_the_ceiling_of_a_request_is_checked_against_what_its_quote_makes_it_cost():
    opened = books()
    offer = quoted(opened, item(4))
    dearer = PriceList(2, NOW, {**PRICES.prices, Operation.GENERATE_IMAGES: Price(50)})
    asked = ask(TEAM, order(4), quote_id=offer.id, max_credits=8)
    verdict = hold(opened, dearer, asked, uuid4(), NOW)
    assert [(each.unit_price, each.price_version) for each in verdict.holds] == [(2, 1)]


def test_a_cheaper_list_is_better_than_a_quote():
    opened = books()
    offer = quoted(opened, item(4))
    cheaper = PriceList(2, NOW, {**PRICES.prices, Operation.GENERATE_IMAGES: Price(1)})
    verdict = held(opened, offer, order(4), prices=cheaper)
    assert [(each.unit_price, each.price_version) for each in verdict.holds] == [(1, 2)]


@given(options, options)
def test_a_request_quoted_before_for_other_items_is_a_conflict(first, second):
    assume(first != second)
    opened, request = books(), uuid4()
    quote(opened, PRICES, ask_price(TEAM, item(**first), request_id=request), uuid4(), NOW)
    with refused(ConflictingContent, f"request {request} was quoted before for other items"):
        quote(opened, PRICES, ask_price(TEAM, item(**second), request_id=request), uuid4(), NOW)


def test_an_offer_asked_for_again_is_the_same_even_when_prices_have_changed():
    opened, asked, message = books(), ask_price(TEAM, item(4)), uuid4()
    first = quote(opened, PRICES, asked, message, NOW)
    other = replace(PRICES, version=2, prices=dict.fromkeys(Operation, Price(9, {"high": Decimal(3)})))
    assert quote(opened, other, asked, uuid4(), NOW + timedelta(hours=1)) == first
    assert quote(opened, other, asked, message, NOW + timedelta(hours=1)) is None


def test_an_offer_is_written_down_for_the_team_and_the_message_that_asked():
    opened, asked, message = books(), ask_price(TEAM, item(4)), uuid4()
    said = quote(opened, PRICES, asked, message, NOW)
    (offer,) = opened.offered
    assert offer == Quote(
        id=asked.request_id,
        team_id=TEAM,
        items=said.items,
        price_version=1,
        asked_by=message,
        quoted_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
    )
    assert (said.request_id, said.id, said.team_id) == (asked.request_id, asked.request_id, TEAM)


def test_an_offer_to_one_team_is_not_told_to_another():
    opened, asked = books(), ask_price(TEAM, item(4))
    quote(opened, PRICES, asked, uuid4(), NOW)
    foreign = ask_price(UUID(int=2), item(4), request_id=asked.request_id)
    with refused(ConflictingContent, f"request {asked.request_id} was quoted before for other items"):
        quote(opened, PRICES, foreign, uuid4(), NOW)
