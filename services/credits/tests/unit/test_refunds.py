"""Money that goes back takes its credits back, in the history as the team reads it."""

from decimal import Decimal

import pytest
from services.credits.tests.books import OTHER, TEAM, history, moved, next_batch, opened, refused
from services.credits.tests.payments import FIRST, PACK, PLAN, SOON, about, spent
from services.credits.tests.stories import DAY, NOW, dispute, period, refund

from credits.domain.account import Account
from credits.domain.books import Claim, ConflictingContent
from credits.domain.granting import add_top_up
from credits.domain.ledger import About, Side
from credits.domain.refunding import dispute_payment, refund_payment
from credits.domain.replenishing import open_period


def test_a_refund_takes_back_what_is_unspent_and_the_rest_is_owed():
    books = spent()
    refund_payment(books, refund(FIRST), SOON)
    assert history(books, skip=0) == [("claw_back", -12, 0, 0, "the payment was refunded")]
    assert moved(books) == [
        (Side.SPENDABLE, -12, PLAN),
        (Side.CLAWED_BACK, 12, PLAN),
        (Side.UNCOLLECTED, -8, PLAN),
        (Side.CLAWED_BACK, 8, PLAN),
    ]
    claim = f"claim:refund:{FIRST.source_ref}"
    assert about(books) == About(reason="the payment was refunded", key=claim)
    bucket = books.accounts[TEAM].buckets[PLAN]
    assert (bucket.remaining, bucket.demanded, bucket.owed) == (0, 20, 8)
    assert books.accounts[TEAM].postings[-1].at == SOON
    assert books.claimed == {
        f"refund:{FIRST.source_ref}": Claim(
            f"refund:{FIRST.source_ref}", TEAM, FIRST.source_ref, Decimal("1.0"), "refunded", SOON, 20
        )
    }


def test_what_expired_unspent_is_taken_back_too_and_nothing_owed_for_it():
    books = spent()
    open_period(books, period(TEAM, 5, NOW + DAY), NOW)
    refund_payment(books, refund(FIRST, 0.75), NOW)
    assert moved(books) == [
        (Side.EXPIRED, -12, PLAN),
        (Side.CLAWED_BACK, 12, PLAN),
        (Side.UNCOLLECTED, -3, PLAN),
        (Side.CLAWED_BACK, 3, PLAN),
    ]
    bucket = books.accounts[TEAM].buckets[PLAN]
    assert (bucket.expired, bucket.demanded, bucket.owed) == (0, 15, 3)


def test_a_refund_heard_twice_counts_once():
    books = opened()
    refund_payment(books, refund(FIRST, 0.5), NOW)
    books = next_batch(books)
    refund_payment(books, refund(FIRST, 0.5), SOON)
    assert not books.have_changed


@pytest.mark.parametrize(
    ("share", "taken"), [(0.3, 6), (0.31, 7), (1, 20), (0.1 + 0.2, 6), (0.3000005, 7)], ids=str
)
def test_a_share_is_rounded_up_to_whole_credits_but_not_for_a_binary_fraction(share, taken):
    books = opened()
    refund_payment(books, refund(FIRST, share), NOW)
    assert books.accounts[TEAM].spendable == 20 - taken


def test_two_refunds_take_no_more_than_was_granted():
    books = opened(3)
    grant = period(TEAM, 3)
    for n, left in enumerate((1, 0)):
        refund_payment(books, refund(grant, 0.5, source_ref=f"refund:{n}"), NOW)
        assert books.accounts[TEAM].spendable == left
    assert books.accounts[TEAM].owed == 0
    books = next_batch(books)
    refund_payment(books, refund(grant, 0.5, source_ref="refund:2"), NOW)
    assert (history(books, skip=0), books.claims["refund:2"].demanded) == ([], 0)


def test_what_two_refunds_find_spent_is_owed_together():
    books = spent(10)
    for n, owed in enumerate((5, 10)):
        refund_payment(books, refund(FIRST, 0.25, source_ref=f"refund:{n}"), NOW)
        assert (books.accounts[TEAM].owed, books.accounts[TEAM].buckets[PLAN].owed) == (owed, owed)


def test_a_refund_may_come_before_what_it_refunds():
    books = opened()
    refund_payment(books, refund(PACK, 0.5), NOW)
    claim = books.claims[f"refund:{PACK.source_ref}"]
    assert (claim.demanded, history(books)) == (None, [])
    books = next_batch(books)
    add_top_up(books, PACK, SOON)
    assert history(books, skip=0) == [
        ("top_up", 12, 0, 32, "a pack of credits"),
        ("claw_back", -6, 0, 26, "the payment was refunded"),
    ]
    assert books.accounts[TEAM].postings[-1].at == SOON
    assert [(each.source_ref, each.demanded) for each in books.claimed.values()] == [(claim.source_ref, 6)]


@pytest.mark.parametrize(
    "changes",
    [{"share": 0.25}, {"grant_ref": "another"}, {"team_id": OTHER, "grant_ref": "another"}],
    ids=["share", "grant", "team"],
)
def test_a_refund_with_other_content_is_a_conflict(changes):
    books = opened()
    books.accounts[OTHER] = Account(OTHER, books.accounts[TEAM].new_id)
    refund_payment(books, refund(FIRST, 0.5), NOW)
    why = f"refund:{FIRST.source_ref} came before with other content"
    with refused(ConflictingContent, why):
        refund_payment(books, refund(FIRST, **{"share": 0.5, **changes}), NOW)


def test_nobody_is_refunded_the_payment_of_another_team():
    books = opened()
    why = f"{FIRST.source_ref} was granted to another team"
    with refused(ConflictingContent, why):
        refund_payment(books, refund(FIRST, team_id=OTHER), NOW)


def test_a_refund_is_no_dispute_and_a_dispute_no_refund():
    books = opened()
    refund_payment(books, refund(FIRST, source_ref="same"), NOW)
    named = dispute(FIRST, "lost").model_copy(update={"source_ref": "same"})
    with refused(ConflictingContent, "same came before with other content"):
        dispute_payment(books, named, NOW)
    books = opened()
    dispute_payment(books, named, NOW)
    with refused(ConflictingContent, "same came before with other content"):
        refund_payment(books, refund(FIRST, source_ref="same"), NOW)
