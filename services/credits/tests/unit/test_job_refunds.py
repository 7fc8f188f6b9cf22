"""A charge is given back once, to where it came from."""

from datetime import timedelta

import pytest
from services.credits.tests.books import (
    MESSAGE,
    PLAN,
    SOON,
    TEAM,
    about,
    charged,
    history,
    moved,
    newest,
    next_batch,
    opened,
    refused,
)
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import DAY, NOW, ask, captured, order, period

from contracts.orders import Operation
from credits.domain.adjusting import adjust
from credits.domain.books import ConflictingContent
from credits.domain.bucket import Bucket
from credits.domain.compensating import NothingToRefund, refund_job
from credits.domain.holding import hold
from credits.domain.ledger import About, Side
from credits.domain.replenishing import open_period
from credits.domain.settling import capture, expire

END = NOW + timedelta(hours=30, minutes=18, seconds=45)


def test_a_charged_job_is_given_back_to_where_it_came_from():
    books, one = charged()
    assert refund_job(books, one, None, "poor images", SOON, "ann") == 6
    assert history(books, skip=0) == [("refund", 6, -6, 20, "refund: poor images")]
    assert moved(books) == [(Side.SPENT, -6, PLAN), (Side.SPENDABLE, 6, PLAN)]
    assert about(books) == About(
        one.id, Operation.GENERATE_IMAGES, "refund: poor images", "ann", f"refund:{one.id}"
    )
    assert books.accounts[TEAM].postings[-1].at == SOON
    assert (one.refunded, books.refunded) == (6, {one.id: one})
    assert list(books.key_spend.values()) == [0]


def test_a_job_is_refunded_once():
    books, one = charged()
    assert refund_job(books, one, 2, "poor images", SOON) == 2
    books = next_batch(books)
    assert refund_job(books, one, 2, "poor images", SOON) == 2
    assert refund_job(books, one, None, "poor images", SOON) == 2
    with refused(ConflictingContent, f"job {one.id} was refunded 2 credits before"):
        refund_job(books, one, 6, "poor images", SOON)
    assert history(books, skip=0) == []
    assert list(books.key_spend.values()) == [4]


@pytest.mark.parametrize("amount", [-1, 0, 7])
def test_no_more_is_refunded_than_was_charged(amount):
    books, one = charged()
    with refused(NothingToRefund, f"job {one.id} was charged 6 credits"):
        refund_job(books, one, amount, "poor images", SOON)
    assert (one.refunded, books.refunded) == (0, {})


def test_a_single_credit_can_be_refunded_and_all_of_them():
    for amount in (1, 6):
        books, one = charged()
        assert refund_job(books, one, amount, "poor images", SOON) == amount


def test_a_refund_needs_a_reason():
    books, one = charged()
    with refused(ValueError, "a refund needs a reason"):
        refund_job(books, one, None, "", SOON)


def test_what_was_charged_last_returns_first():
    books = opened(plan=4)
    adjust(books.accounts[TEAM], 4, "a gift", NOW)
    asked = ask(TEAM, order(4))
    hold(books, PRICES, asked, MESSAGE, NOW)
    capture(books, captured(asked, 3), MESSAGE, NOW)
    refund_job(books, books.holds[asked.orders[0].job_id], 3, "poor images", SOON)
    gift = newest(books).id
    assert moved(books) == [
        (Side.SPENT, -2, gift),
        (Side.SPENDABLE, 2, gift),
        (Side.SPENT, -1, PLAN),
        (Side.SPENDABLE, 1, PLAN),
    ]


def test_a_job_paid_from_a_closed_bucket_is_refunded_into_one_that_never_expires():
    books, one = charged()
    open_period(books, period(TEAM, 30, NOW + DAY), NOW + DAY)
    known = set(books.accounts[TEAM].buckets)
    refund_job(books, one, None, "poor images", SOON)
    bucket = newest(books)
    assert bucket.id.int > max(id_.int for id_ in known)
    assert bucket == Bucket(
        id=bucket.id,
        kind="adjustment",
        source_ref=f"adjustment:{bucket.id}",
        granted=6,
        remaining=6,
        opened_at=SOON,
    )
    assert history(books, skip=0)[-1] == ("refund", 6, -6, 36, "refund: poor images")
    assert moved(books) == [
        (Side.SPENT, -6, None),
        (Side.ISSUED, 6, None),
        (Side.ISSUED, -6, bucket.id),
        (Side.SPENDABLE, 6, bucket.id),
    ]


def test_what_was_charged_late_is_refunded_into_one_that_never_expires():
    books = opened()
    asked = ask(TEAM, order(4))
    hold(books, PRICES, asked, MESSAGE, NOW)
    one = books.holds[asked.orders[0].job_id]
    expire(books, one.id, END)
    capture(books, captured(asked, 3), MESSAGE, END)
    assert refund_job(books, one, None, "poor images", END) == 6
    assert (newest(books).kind, newest(books).remaining) == ("adjustment", 6)
