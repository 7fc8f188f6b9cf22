"""What a team owes: paid from new credits, and from what returns, once."""

from services.credits.tests.books import ANOTHER, MESSAGE, TEAM, agree, history, moved, next_batch, opened
from services.credits.tests.fakes import PRICES
from services.credits.tests.payments import FIRST, PACK, PLAN, SOON, about, bucket_of, spent
from services.credits.tests.stories import DAY, NOW, ask, captured, order, period, refund, released, top_up

from credits.domain.compensating import refund_job
from credits.domain.granting import add_top_up
from credits.domain.holding import hold
from credits.domain.ledger import About, Side
from credits.domain.refunding import refund_payment
from credits.domain.replenishing import open_period
from credits.domain.settling import capture, release


def test_what_is_owed_is_paid_from_new_credits_first():
    books = spent()
    refund_payment(books, refund(FIRST), NOW)
    add_top_up(books, PACK, SOON)
    assert books.accounts[TEAM].owed == 0
    assert history(books, skip=0) == [
        ("claw_back", -12, 0, 0, "the payment was refunded"),
        ("top_up", 12, 0, 12, "a pack of credits"),
        ("claw_back", -8, 0, 4, "paid what was owed"),
    ]
    pack = bucket_of(books, PACK.source_ref)
    assert moved(books) == [(Side.SPENDABLE, -8, pack.id), (Side.UNCOLLECTED, 8, pack.id)]
    assert (pack.remaining, books.accounts[TEAM].postings[-1].at) == (4, SOON)


def test_what_does_not_suffice_pays_a_part():
    books = spent()
    refund_payment(books, refund(FIRST), NOW)
    add_top_up(books, top_up(TEAM, 5), SOON)
    assert (books.accounts[TEAM].spendable, books.accounts[TEAM].owed) == (0, 3)


def test_new_credits_wait_for_what_is_still_held_of_a_refunded_payment():
    books, asked = opened(), ask(TEAM, order(4))
    hold(books, PRICES, asked, MESSAGE, NOW)
    refund_payment(books, refund(FIRST), NOW)
    assert (books.accounts[TEAM].owed, books.accounts[TEAM].overdue) == (8, 0)
    add_top_up(books, PACK, NOW)
    assert books.accounts[TEAM].spendable == 12
    release(books, released(asked), MESSAGE, SOON)
    assert history(books, skip=4) == [
        ("refund", 8, 0, 20, "cancelled"),
        ("claw_back", -8, 0, 12, "returned after its payment was refunded"),
    ]
    assert moved(books) == [(Side.SPENDABLE, -8, PLAN), (Side.UNCOLLECTED, 8, PLAN)]
    assert (about(books).job_id, books.accounts[TEAM].postings[-1].at) == (asked.orders[0].job_id, SOON)
    assert (books.accounts[TEAM].buckets[PLAN].owed, books.accounts[TEAM].owed) == (0, 0)


def test_what_returns_to_a_closed_bucket_expires_as_its_rest_did():
    books, asked = opened(), ask(TEAM, order(4))
    hold(books, PRICES, asked, MESSAGE, NOW)
    open_period(books, period(TEAM, 0, NOW + DAY), NOW)
    books = next_batch(books)
    said = release(books, released(asked), MESSAGE, SOON)
    assert history(books, skip=0) == [
        ("refund", 8, 0, 8, "cancelled"),
        ("expire", -8, 0, 0, "returned after its bucket was closed"),
    ]
    assert moved(books) == [(Side.SPENDABLE, -8, PLAN), (Side.EXPIRED, 8, PLAN)]
    assert (about(books).job_id, books.accounts[TEAM].postings[-1].at) == (asked.orders[0].job_id, SOON)
    assert len(said.entry_ids) == 2
    assert books.accounts[TEAM].buckets[PLAN].expired == 20


def test_nothing_is_paid_twice_by_one_return():
    """Two jobs hold all of a refunded payment: each return pays its own part of what is owed."""
    books, asked = opened(), [ask(TEAM, order(5)), ask(TEAM, order(5))]
    for command in asked:
        hold(books, PRICES, command, ANOTHER, NOW)
    refund_payment(books, refund(FIRST, 0.75), NOW)
    owed = []
    for command in asked:
        release(books, released(command), MESSAGE, NOW)
        agree(books)
        owed.append((books.accounts[TEAM].owed, books.accounts[TEAM].spendable))
    assert owed == [(5, 0), (0, 5)]


def test_what_returns_does_not_pay_for_what_others_owe():
    books, asked = opened(), ask(TEAM, order(4))
    hold(books, PRICES, asked, MESSAGE, NOW)
    books.accounts[TEAM].charge(15, About(), NOW)
    assert books.accounts[TEAM].owed == 3
    release(books, released(asked), MESSAGE, NOW)
    assert history(books)[-1] == ("refund", 8, 0, 8, "cancelled")
    assert books.accounts[TEAM].owed == 3


def test_what_new_credits_have_paid_is_not_paid_again_when_a_job_is_refunded():
    books = spent()
    (job,) = books.holds.values()
    refund_payment(books, refund(FIRST), NOW)
    add_top_up(books, PACK, NOW)
    refund_job(books, job, None, "poor images", NOW)
    assert history(books, skip=0)[-1] == ("refund", 8, -8, 12, "refund: poor images")
    assert books.accounts[TEAM].owed == 0


def test_a_job_paid_by_two_refunded_payments_pays_what_is_still_owed_and_no_more():
    books, asked = opened(4), ask(TEAM, order(4))
    add_top_up(books, PACK, NOW)
    hold(books, PRICES, asked, MESSAGE, NOW)
    capture(books, captured(asked, 4), MESSAGE, NOW)
    for grant in (period(TEAM, 4), PACK):
        refund_payment(books, refund(grant), NOW)
    assert books.accounts[TEAM].owed == 8
    add_top_up(books, top_up(TEAM, 6, source_ref="another"), NOW)
    assert books.accounts[TEAM].owed == 2
    (job,) = books.holds.values()
    refund_job(books, job, None, "poor images", NOW)
    assert history(books)[-1] == ("refund", 6, -8, 6, "refund: poor images")
    assert books.accounts[TEAM].owed == 0
