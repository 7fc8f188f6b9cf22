"""Orders are held with their price, once, for one request."""

from datetime import timedelta
from uuid import UUID

import pytest
from services.credits.tests.books import (
    ANOTHER,
    KEY,
    MESSAGE,
    OTHER,
    TEAM,
    code,
    history,
    moved,
    next_batch,
    opened,
    refused,
)
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import DAY, NOW, ask, order, released, spending_key

from contracts.credits import CreditsHeld, HoldCredits, HoldDeclined
from contracts.credits import Hold as HoldSaid
from contracts.orders import KeyTerms, Operation
from credits.domain.account import Account
from credits.domain.books import ConflictingContent, Hold, KeyWindow, Request
from credits.domain.holding import fingerprint, hold, lifetime
from credits.domain.ledger import Side
from credits.domain.settling import release

SOON = NOW + timedelta(minutes=1)
PLAN = UUID(int=1)
REQUEST, JOB = UUID(int=21), UUID(int=31)


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
    ("operation", "hours"),
    [
        (Operation.GENERATE_IMAGES, 30.3125),
        (Operation.CREATE_MODEL, 32.5),
        (Operation.REFINE_MODEL, 32.5),
    ],
)
def test_a_hold_outlives_the_longest_job_by_a_quarter(operation, hours):
    assert lifetime(operation) == timedelta(hours=hours)
