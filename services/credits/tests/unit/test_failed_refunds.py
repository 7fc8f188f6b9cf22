"""A refund that fails gives back what it took, wherever that has gone meanwhile."""

from services.credits.tests.books import TEAM, history, moved, next_batch, opened
from services.credits.tests.payments import FIRST, PACK, PLAN, SOON, about, bucket_of, spent
from services.credits.tests.stories import DAY, NOW, period, refund

from credits.domain.granting import add_top_up
from credits.domain.ledger import Side
from credits.domain.refunding import refund_payment
from credits.domain.replenishing import open_period

FAILED = refund(FIRST, state="failed")


def test_a_refund_that_failed_gives_back_what_it_took_once():
    books = opened()
    refund_payment(books, refund(FIRST), NOW)
    books = next_batch(books)
    refund_payment(books, FAILED, SOON)
    assert history(books, skip=0) == [("adjustment", 20, 0, 20, "the refund of the payment failed")]
    assert moved(books) == [(Side.CLAWED_BACK, -20, PLAN), (Side.SPENDABLE, 20, PLAN)]
    assert about(books).key == f"claim:refund:{FIRST.source_ref}:failed"
    assert books.accounts[TEAM].buckets[PLAN].demanded == 0
    assert [(each.state, each.demanded) for each in books.claimed.values()] == [("failed", None)]
    books = next_batch(books)
    for again in (refund(FIRST), FAILED):
        refund_payment(books, again, SOON)
    assert not books.have_changed


def test_a_refund_that_is_known_to_have_failed_takes_nothing():
    books = opened()
    for heard in (refund(PACK, state="failed"), refund(PACK)):
        refund_payment(books, heard, NOW)
    add_top_up(books, PACK, NOW)
    assert books.accounts[TEAM].spendable == 32


def test_what_a_failed_refund_left_owed_is_owed_no_more():
    books = spent()
    refund_payment(books, refund(FIRST), NOW)
    assert (books.accounts[TEAM].spendable, books.accounts[TEAM].owed) == (0, 8)
    books = next_batch(books)
    refund_payment(books, FAILED, NOW)
    assert (books.accounts[TEAM].spendable, books.accounts[TEAM].owed) == (12, 0)
    assert (bucket_of(books, FIRST.source_ref).owed, books.accounts[TEAM].touched) == (0, {PLAN})
    assert moved(books) == [
        *((Side.CLAWED_BACK, -12, PLAN), (Side.SPENDABLE, 12, PLAN)),
        *((Side.CLAWED_BACK, -8, PLAN), (Side.UNCOLLECTED, 8, PLAN)),
    ]
    refund_payment(books, refund(FIRST, 0.5, source_ref="another"), NOW)
    assert (books.accounts[TEAM].spendable, books.accounts[TEAM].owed) == (2, 0)


def test_what_other_credits_have_paid_for_a_refund_comes_back_when_it_fails():
    books = spent()
    refund_payment(books, refund(FIRST), NOW)
    add_top_up(books, PACK, NOW)
    assert (books.accounts[TEAM].spendable, books.accounts[TEAM].owed) == (4, 0)
    refund_payment(books, FAILED, SOON)
    left = {bucket.kind: bucket.remaining for bucket in books.accounts[TEAM].buckets.values()}
    assert left == {"plan": 12, "topup": 4, "adjustment": 8}
    assert [b.opened_at for b in books.accounts[TEAM].buckets.values() if b.kind == "adjustment"] == [SOON]
    assert history(books)[-1] == ("adjustment", 20, 0, 24, "the refund of the payment failed")


def test_what_a_failed_refund_gives_back_to_a_closed_bucket_expires_as_its_rest_did():
    books = opened()
    refund_payment(books, refund(FIRST), NOW)
    open_period(books, period(TEAM, 30, NOW + DAY), NOW)
    refund_payment(books, FAILED, NOW)
    assert moved(books) == [(Side.CLAWED_BACK, -20, PLAN), (Side.EXPIRED, 20, PLAN)]
    assert books.accounts[TEAM].spendable == 30
