"""Whether credits are set aside: what is answered, what is written down, and every reason to decline."""

from datetime import timedelta
from uuid import UUID

import pytest
from services.credits.tests.books import (
    ANOTHER,
    MESSAGE,
    OTHER,
    TEAM,
    history,
    moved,
    next_batch,
    opened,
    refused,
)
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import DAY, NOW, ask, ask_price, item, order, released, spending_key

from contracts.credits import CreditsHeld, HoldCredits, HoldDeclined
from contracts.credits import Hold as HoldSaid
from contracts.orders import KeyTerms, Operation
from credits.domain.account import Account
from credits.domain.books import Books, ConflictingContent, Hold, KeyWindow, Request
from credits.domain.holding import fingerprint, hold, lifetime
from credits.domain.ledger import Side
from credits.domain.limits import Limits
from credits.domain.pricing import Price, PriceList
from credits.domain.quoting import quote
from credits.domain.settling import release

SOON = NOW + timedelta(minutes=1)
KEY = UUID(int=5)
PLAN = UUID(int=1)
REQUEST, JOB = UUID(int=21), UUID(int=31)


def code(books: Books, command) -> str | None:
    """Why the request is declined; None when its credits are held."""
    verdict = hold(books, PRICES, command, MESSAGE, NOW)
    return verdict.code if isinstance(verdict, HoldDeclined) else None


def test_the_orders_of_a_request_are_held_with_their_price_and_their_end():
    books = opened(200)
    images, training = order(4, quality="high", job_id=JOB), order(1, Operation.CREATE_MODEL)
    asked = ask(TEAM, images, training, api_key=spending_key(500, KEY))
    verdict = hold(books, PRICES, asked, MESSAGE, SOON)
    ends = SOON + timedelta(hours=30, minutes=18, seconds=45), SOON + timedelta(hours=32, minutes=30)
    assert verdict == CreditsHeld(
        request_id=asked.request_id,
        team_id=TEAM,
        holds=(
            HoldSaid(job_id=JOB, amount=16, unit_price=4, price_version=1, expires_at=ends[0], order=images),
            HoldSaid(
                job_id=training.job_id,
                amount=100,
                unit_price=100,
                price_version=1,
                expires_at=ends[1],
                order=training,
            ),
        ),
    )
    assert history(books) == [("reserve", -16, 0, 184, ""), ("reserve", -100, 0, 84, "")]
    assert moved(books) == [(Side.SPENDABLE, -100, PLAN), (Side.RESERVED, 100, PLAN)]
    entries = [posting.entry() for posting in books.accounts[TEAM].postings[1:]]
    assert [(e.job_id, e.operation, e.at) for e in entries] == [
        (JOB, Operation.GENERATE_IMAGES, SOON),
        (training.job_id, Operation.CREATE_MODEL, SOON),
    ]


def test_what_is_held_is_written_down_with_its_key_and_its_buckets():
    books = opened()
    asked = ask(TEAM, order(4, job_id=JOB), api_key=spending_key(10, KEY))
    hold(books, PRICES, asked, MESSAGE, SOON)
    (one,) = books.held
    assert one == Hold(
        id=JOB,
        team_id=TEAM,
        created_at=SOON,
        request_id=asked.request_id,
        operation=Operation.GENERATE_IMAGES,
        quantity=4,
        unit_price=2,
        price_version=1,
        expires_at=SOON + timedelta(hours=30, minutes=18, seconds=45),
        key=KeyWindow(KEY, NOW - DAY),
        parts=one.parts,
    )
    assert [(part.bucket_id, part.amount) for part in one.parts] == [(PLAN, 8)]
    assert books.key_spend == {KeyWindow(KEY, NOW - DAY): 8}
    assert not one.is_tombstone


@pytest.mark.parametrize(("quantity", "declined"), [(4, None), (11, "insufficient_credits")])
def test_the_verdict_is_written_down_for_whoever_asks_again(quantity, declined):
    books = opened()
    asked = ask(TEAM, order(quantity))
    hold(books, PRICES, asked, MESSAGE, SOON)
    assert books.decided == [
        Request(
            id=asked.request_id,
            team_id=TEAM,
            fingerprint=fingerprint(asked),
            code=declined,
            required=2 * quantity,
            spendable=20,
            asked_by=MESSAGE,
            decided_at=SOON,
        )
    ]


def test_what_is_declined_says_what_it_takes_and_what_there_is_and_holds_nothing():
    books, asked = opened(), ask(TEAM, order(4), order(7))
    assert hold(books, PRICES, asked, MESSAGE, NOW) == HoldDeclined(
        request_id=asked.request_id,
        team_id=TEAM,
        code="insufficient_credits",
        required=22,
        spendable=20,
    )
    assert (books.held, history(books)) == ([], [])


@pytest.mark.parametrize("quantity", [4, 11])
def test_the_message_that_was_answered_is_not_answered_again_but_a_new_one_is(quantity):
    books, asked = opened(), ask(TEAM, order(quantity))
    said = hold(books, PRICES, asked, MESSAGE, NOW)
    books = next_batch(books)
    assert hold(books, PRICES, asked, MESSAGE, NOW) is None
    assert hold(books, PRICES, asked, ANOTHER, NOW + DAY) == said
    assert not books.have_changed


def test_a_request_asked_again_with_other_content_is_a_conflict():
    books, asked = opened(), ask(TEAM, order(4))
    hold(books, PRICES, asked, MESSAGE, NOW)
    other = ask(TEAM, order(5), request_id=asked.request_id)
    why = f"request {asked.request_id} was asked before with other content"
    with refused(ConflictingContent, why):
        hold(books, PRICES, other, ANOTHER, NOW)


SAME = {"request_id": REQUEST, "api_key": KeyTerms(id=KEY, budget=10, window_start=NOW)}
ONE = order(4, job_id=JOB)


@pytest.mark.parametrize(
    "again",
    [
        ask(TEAM, ONE, **SAME, not_after=NOW + DAY),
        ask(TEAM, ONE, request_id=REQUEST, api_key=KeyTerms(id=KEY, budget=11, window_start=NOW)),
        ask(TEAM, ONE, request_id=REQUEST, api_key=KeyTerms(id=KEY, budget=10, window_start=NOW + DAY)),
        ask(TEAM, ONE, request_id=ANOTHER, api_key=SAME["api_key"]),
    ],
    ids=["time", "budget", "window", "name"],
)
def test_more_time_or_another_budget_is_the_same_request(again):
    assert fingerprint(again) == fingerprint(ask(TEAM, ONE, **SAME))


@pytest.mark.parametrize(
    "other",
    [
        ask(OTHER, ONE, **SAME),
        ask(TEAM, order(5, job_id=JOB), **SAME),
        ask(TEAM, ONE, **SAME, max_credits=8),
        ask(TEAM, ONE, **SAME, quote_id=ANOTHER),
        ask(TEAM, ONE, request_id=REQUEST, api_key=KeyTerms(id=ANOTHER, budget=10, window_start=NOW)),
        ask(TEAM, ONE, request_id=REQUEST),
    ],
    ids=["team", "order", "ceiling", "quote", "key", "no key"],
)
def test_another_team_order_ceiling_quote_or_key_is_another_request(other):
    assert fingerprint(other) != fingerprint(ask(TEAM, ONE, **SAME))


def test_a_field_that_is_added_later_and_left_empty_makes_no_other_request():
    class Later(HoldCredits):
        note: str | None = None

    assert fingerprint(Later(**ask(TEAM, ONE, **SAME).model_dump())) == fingerprint(ask(TEAM, ONE, **SAME))


def test_what_is_ordered_without_a_key_is_counted_for_none():
    books = opened()
    hold(books, PRICES, ask(TEAM, order(4)), MESSAGE, NOW)
    assert (books.key_spend, books.key_changes) == ({}, {})


def test_a_request_that_names_a_job_twice_is_a_conflict():
    asked = ask(TEAM, order(1, job_id=JOB), order(2, job_id=JOB))
    with refused(ConflictingContent, f"request {asked.request_id} names a job twice"):
        hold(opened(), PRICES, asked, MESSAGE, NOW)


def test_a_job_is_held_for_one_request():
    books = opened()
    hold(books, PRICES, ask(TEAM, order(1, job_id=JOB), order(1, job_id=ANOTHER)), MESSAGE, NOW)
    jobs = order(1), order(1, job_id=JOB), order(1, job_id=ANOTHER)
    why = f"jobs {JOB}, {ANOTHER} are held for another request"
    with refused(ConflictingContent, why):
        hold(books, PRICES, ask(TEAM, *jobs), MESSAGE, NOW)


def test_a_job_released_before_it_was_held_comes_too_late_but_not_for_another_team():
    books, asked = opened(), ask(TEAM, order(4, job_id=JOB))
    release(books, released(asked), MESSAGE, NOW)
    assert code(books, ask(TEAM, order(1), order(4, job_id=JOB))) == "too_late"
    books.accounts[OTHER] = Account(OTHER, books.accounts[TEAM].new_id)
    with pytest.raises(ConflictingContent):
        hold(books, PRICES, ask(OTHER, order(4, job_id=JOB)), MESSAGE, NOW)


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


@pytest.mark.parametrize(
    ("operation", "hours"),
    [
        (Operation.GENERATE_IMAGES, 30.3125),
        (Operation.CREATE_MODEL, 32.5),
        (Operation.REFINE_MODEL, 32.5),
    ],
)
def test_a_hold_outlives_the_longest_job_by_a_quarter(operation, hours):
    assert lifetime(operation) == timedelta(hours=hours)
