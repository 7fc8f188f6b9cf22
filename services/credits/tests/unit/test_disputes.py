"""A disputed payment: frozen, then given back or taken back."""

import pytest
from services.credits.tests.books import TEAM, history, next_batch, opened, refused
from services.credits.tests.payments import FIRST, PACK, SOON, about
from services.credits.tests.stories import DAY, NOW, dispute, refund

from credits.domain.books import ConflictingContent
from credits.domain.granting import add_top_up
from credits.domain.ledger import Side
from credits.domain.refunding import dispute_payment, refund_payment


def test_a_disputed_payment_freezes_the_account_until_it_is_won():
    books = opened()
    dispute_payment(books, dispute(FIRST, "opened"), SOON)
    account = books.accounts[TEAM]
    assert (account.is_frozen, account.disputes, account.postings[-1].at) == (True, 1, SOON)
    dispute_payment(books, dispute(FIRST, "won"), NOW + DAY)
    assert (account.is_frozen, account.disputes, account.postings[-1].at) == (False, 0, NOW + DAY)
    assert history(books) == [
        ("adjustment", 0, 0, 20, "frozen: a payment is disputed"),
        ("adjustment", 0, 0, 20, "a dispute of a payment was won"),
    ]
    claim = books.claims[f"dispute:{FIRST.source_ref}"]
    assert (claim.state, claim.demanded, claim.heard_at) == ("won", None, NOW + DAY)


def test_a_lost_dispute_takes_its_credits_back_and_ends_the_freeze():
    books = opened()
    dispute_payment(books, dispute(FIRST, "opened", 0.5), NOW)
    dispute_payment(books, dispute(FIRST, "lost", 0.5), SOON)
    assert not books.accounts[TEAM].is_frozen
    assert history(books)[1:] == [
        ("adjustment", 0, 0, 20, "a dispute of a payment was lost"),
        ("claw_back", -10, 0, 10, "a dispute of the payment was lost"),
    ]
    assert about(books).key == f"claim:dispute:{FIRST.source_ref}"


def test_two_open_disputes_freeze_until_both_have_ended():
    books = opened()
    add_top_up(books, PACK, NOW)
    dispute_payment(books, dispute(FIRST, "opened"), NOW)
    dispute_payment(books, dispute(PACK, "opened"), NOW)
    dispute_payment(books, dispute(FIRST, "won"), NOW)
    assert books.accounts[TEAM].is_frozen
    dispute_payment(books, dispute(PACK, "won"), NOW)
    assert not books.accounts[TEAM].is_frozen


@pytest.mark.parametrize("end", ["won", "lost"])
def test_how_a_dispute_ended_stands_whatever_is_heard_later_of_its_beginning(end):
    books = opened()
    dispute_payment(books, dispute(FIRST, end), NOW)
    assert books.accounts[TEAM].disputes == 0
    books = next_batch(books)
    for state in ("opened", end):
        dispute_payment(books, dispute(FIRST, state), SOON)
        assert not books.have_changed


def test_a_dispute_opened_twice_is_open_once():
    books = opened()
    for _ in range(2):
        dispute_payment(books, dispute(FIRST, "opened"), NOW)
    assert books.accounts[TEAM].disputes == 1


def test_a_dispute_ends_once():
    books = opened()
    dispute_payment(books, dispute(FIRST, "won"), NOW)
    with refused(ConflictingContent, f"dispute:{FIRST.source_ref} was won before"):
        dispute_payment(books, dispute(FIRST, "lost"), NOW)


def test_a_payment_refunded_while_it_is_disputed_is_taken_back_once():
    books = opened()
    dispute_payment(books, dispute(FIRST, "opened"), NOW)
    refund_payment(books, refund(FIRST), NOW)
    dispute_payment(books, dispute(FIRST, "lost"), NOW)
    assert (books.accounts[TEAM].spendable, books.accounts[TEAM].owed) == (0, 0)
    assert books.accounts[TEAM].balances[Side.CLAWED_BACK] == 20
