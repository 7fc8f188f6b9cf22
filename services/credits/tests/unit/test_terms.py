"""What a hold is declined for: too little, too late, a ceiling, a budget, a debt, a quote."""

from datetime import timedelta

import pytest
from services.credits.tests.books import ANOTHER, KEY, MESSAGE, OTHER, TEAM, code, history, opened
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import DAY, NOW, ask, ask_price, item, order, spending_key

from contracts.orders import KeyTerms, Operation
from credits.domain.holding import hold
from credits.domain.ledger import Side
from credits.domain.limits import Limits
from credits.domain.pricing import Price, PriceList
from credits.domain.quoting import quote


@pytest.mark.parametrize(
    ("terms", "declined"),
    [
        ({"not_after": NOW}, None),
        ({"not_after": NOW - timedelta(microseconds=1)}, "too_late"),
        ({"max_credits": 8}, None),
        ({"max_credits": 7}, "max_credits_exceeded"),
        ({"max_credits": 0}, "max_credits_exceeded"),
        ({"api_key": spending_key(8)}, None),
        ({"api_key": spending_key(7)}, "key_budget_exceeded"),
        ({"api_key": spending_key(0)}, "key_budget_exceeded"),
        ({"api_key": spending_key(None)}, None),
        ({"quote_id": ANOTHER}, "quote_mismatch"),
    ],
    ids=str,
)
def test_terms_are_kept_to_the_credit_and_to_the_moment(terms, declined):
    assert code(opened(), ask(TEAM, order(4), **terms)) == declined


def test_all_that_can_be_spent_may_be_held_and_not_one_credit_more():
    assert code(opened(20), ask(TEAM, order(10))) is None
    assert code(opened(19), ask(TEAM, order(10))) == "insufficient_credits"


def test_a_key_spends_its_budget_over_all_its_requests_in_a_window():
    books, key = opened(), spending_key(10, KEY)
    assert code(books, ask(TEAM, order(3), api_key=key)) is None
    assert code(books, ask(TEAM, order(3), api_key=key)) == "key_budget_exceeded"
    assert code(books, ask(TEAM, order(2), api_key=key)) is None
    anew = key.model_copy(update={"window_start": NOW})
    assert code(books, ask(TEAM, order(1), api_key=anew)) is None


def test_a_key_whose_window_never_began_is_counted_for_ever():
    books = opened()
    for _ in range(2):
        code(books, ask(TEAM, order(2), api_key=KeyTerms(id=KEY, budget=8)))
    ((window, spent),) = books.key_spend.items()
    assert (window.key_id, window.start.isoformat(), spent) == (KEY, "1970-01-01T00:00:00+00:00", 8)
    assert code(books, ask(TEAM, order(1), api_key=KeyTerms(id=KEY, budget=8))) == "key_budget_exceeded"


@pytest.mark.parametrize(("owed", "declined"), [(5, None), (6, "account_frozen")])
def test_who_owes_more_than_is_tolerated_holds_nothing_new(owed, declined):
    books = opened(limits=Limits(uncollected=5))
    books.accounts[TEAM].balances[Side.UNCOLLECTED] = -owed
    assert code(books, ask(TEAM, order(1))) == declined


@pytest.mark.parametrize(("frozen", "disputes"), [(True, 0), (False, 1), (True, 1)])
def test_a_frozen_account_holds_nothing_new(frozen, disputes):
    books = opened()
    account = books.accounts[TEAM]
    account.frozen, account.disputes = frozen, disputes
    assert code(books, ask(TEAM, order(1))) == "account_frozen"


def test_the_plainest_of_several_reasons_is_told():
    def reasons(**terms) -> str | None:
        key = spending_key(1, KEY)
        return code(books, ask(TEAM, order(16), **{"api_key": key, "max_credits": 1, **terms}))

    books = opened()
    assert reasons(api_key=None, max_credits=None) == "insufficient_credits"
    assert reasons(max_credits=None) == "key_budget_exceeded"
    assert reasons() == "max_credits_exceeded"
    assert reasons(quote_id=ANOTHER) == "quote_mismatch"
    books.accounts[TEAM].frozen = True
    assert reasons(quote_id=ANOTHER) == "account_frozen"
    assert reasons(quote_id=ANOTHER, not_after=NOW - DAY) == "too_late"


def test_nothing_is_held_from_credits_whose_time_is_over():
    books, late = opened(), NOW + 33 * DAY
    verdict = hold(books, PRICES, ask(TEAM, order(1), not_after=late), MESSAGE, late)
    assert (verdict.code, verdict.spendable) == ("insufficient_credits", 0)
    assert history(books) == [("expire", -20, 0, 0, "plan credits expired")]
    assert books.accounts[TEAM].postings[-1].at == late


def test_a_quote_is_taken_by_the_request_it_was_good_for():
    books = opened()
    offer = quote(books, PRICES, ask_price(TEAM, item(4)), MESSAGE, NOW)
    dearer = PriceList(2, NOW, dict.fromkeys(Operation, Price(5)))
    asked = ask(TEAM, order(4), quote_id=offer.id)
    verdict = hold(books, dearer, asked, MESSAGE, NOW)
    assert [(one.amount, one.unit_price, one.price_version) for one in verdict.holds] == [(8, 2, 1)]
    assert [(each.id, each.used_by) for each in books.used] == [(offer.id, asked.request_id)]
    assert books.decided[0].required == 8


def test_what_a_quote_does_not_cover_is_reckoned_by_the_list():
    books = opened()
    offer = quote(books, PRICES, ask_price(TEAM, item(3)), MESSAGE, NOW)
    dearer = PriceList(2, NOW, dict.fromkeys(Operation, Price(5)))
    verdict = hold(books, dearer, ask(TEAM, order(4), quote_id=offer.id), MESSAGE, NOW)
    assert (verdict.code, verdict.required, books.used) == ("quote_mismatch", 20, [])


def test_a_quote_of_another_team_is_no_quote():
    books = opened()
    offer = quote(books, PRICES, ask_price(OTHER, item(4)), MESSAGE, NOW)
    assert code(books, ask(TEAM, order(4), quote_id=offer.id)) == "quote_mismatch"
