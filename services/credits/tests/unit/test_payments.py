"""What payments bring and take, when they go back, in the history as the team reads it."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from services.credits.tests.books import (
    ANOTHER,
    MESSAGE,
    OTHER,
    TEAM,
    agree,
    history,
    moved,
    next_batch,
    opened,
    refused,
)
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import (
    DAY,
    NOW,
    ask,
    captured,
    dispute,
    order,
    period,
    refund,
    released,
    top_up,
)

from contracts.billing import TopUpPaid
from credits.domain.account import Account
from credits.domain.adjusting import grant_bonus
from credits.domain.books import Books, Claim, ConflictingContent
from credits.domain.bucket import Bucket
from credits.domain.compensating import refund_job
from credits.domain.granting import add_top_up
from credits.domain.holding import hold
from credits.domain.ledger import About, Side
from credits.domain.refunding import dispute_payment, refund_payment
from credits.domain.replenishing import open_period
from credits.domain.settling import capture, release

PLAN = UUID(int=1)
SOON = NOW + timedelta(minutes=1)
FIRST, PACK = period(TEAM, 20), top_up(TEAM, 12)


def empty() -> Books:
    """Books of a team that has nothing yet."""
    books = opened()
    return Books({TEAM: Account(TEAM, books.accounts[TEAM].new_id)})


def bucket_of(books: Books, ref: str) -> Bucket:
    (found,) = [bucket for bucket in books.accounts[TEAM].buckets.values() if bucket.source_ref == ref]
    return found


def spent(quantity: int = 4) -> Books:
    """Books in which a job was charged two credits a unit of a period's 20."""
    books, asked = opened(), ask(TEAM, order(quantity))
    hold(books, PRICES, asked, MESSAGE, NOW)
    capture(books, captured(asked, quantity), MESSAGE, NOW)
    return next_batch(books)


def about(books: Books) -> About:
    return books.accounts[TEAM].postings[-1].about


# Periods and packs


def test_a_period_brings_its_credits_and_says_when_the_next_ones_come():
    books, end = empty(), NOW + 30 * DAY
    open_period(books, FIRST, SOON)
    bucket = bucket_of(books, FIRST.source_ref)
    assert bucket == Bucket(
        id=bucket.id,
        kind="plan",
        source_ref=FIRST.source_ref,
        granted=20,
        remaining=20,
        opened_at=SOON,
        expires_at=end + 3 * DAY,
        period_start=NOW,
    )
    account = books.accounts[TEAM]
    assert (account.period_start, account.next_replenishment_at) == (NOW, end)
    assert history(books, skip=0) == [("replenish", 20, 0, 20, "pro: a new period")]
    assert moved(books) == [(Side.ISSUED, -20, bucket.id), (Side.SPENDABLE, 20, bucket.id)]
    assert account.postings[-1].at == SOON
    (grant,) = books.granted
    assert (grant.source_ref, grant.team_id, grant.superseded, grant.granted_at) == (
        FIRST.source_ref,
        TEAM,
        False,
        SOON,
    )


def test_a_period_that_brings_nothing_moves_nothing():
    books = empty()
    open_period(books, period(TEAM, 0), NOW)
    assert history(books, skip=0) == [("replenish", 0, 0, 0, "pro: a new period")]
    assert moved(books) == []


def test_free_credits_end_with_their_period():
    books, free = empty(), period(TEAM, 20, plan="free")
    open_period(books, free, NOW)
    assert bucket_of(books, free.source_ref).expires_at == NOW + 30 * DAY


def test_credits_added_to_a_period_replace_nothing():
    books, added = opened(), period(TEAM, 5, NOW + DAY, kind="add")
    open_period(books, added, SOON)
    account = books.accounts[TEAM]
    assert history(books) == [("replenish", 5, 0, 25, "pro: added to the period")]
    assert (account.period_start, account.next_replenishment_at) == (NOW, NOW + 30 * DAY)


def test_a_new_period_replaces_plan_and_bonus_and_nothing_else():
    books = opened()
    add_top_up(books, PACK, NOW)
    grant_bonus(books.accounts[TEAM], 3, NOW + 9 * DAY, "welcome", NOW)
    open_period(books, period(TEAM, 30, NOW + DAY), SOON)
    assert history(books, skip=3) == [
        ("expire", -3, 0, 32, "bonus credits replaced"),
        ("expire", -20, 0, 12, "plan credits replaced"),
        ("replenish", 30, 0, 42, "pro: a new period"),
    ]
    old = books.accounts[TEAM].buckets[PLAN]
    assert (old.closed_at, old.close_reason, old.expired, old.remaining) == (SOON, "replaced", 20, 0)
    account = books.accounts[TEAM]
    assert (account.period_start, account.next_replenishment_at) == (NOW + DAY, NOW + 31 * DAY)
    assert account.postings[3].at == SOON


def test_a_period_that_comes_after_its_successor_brings_nothing_to_spend():
    books = opened()
    open_period(books, period(TEAM, 30, NOW - DAY), SOON)
    assert history(books) == [
        ("replenish", 30, 0, 50, "pro: a new period"),
        ("expire", -30, 0, 20, "plan credits replaced"),
    ]
    account = books.accounts[TEAM]
    assert (account.period_start, account.next_replenishment_at) == (NOW, NOW + 30 * DAY)
    assert [grant.superseded for grant in books.granted] == [False, True]
    late = bucket_of(books, period(TEAM, 30, NOW - DAY).source_ref)
    assert (late.closed_at, late.close_reason) == (SOON, "replaced")


def test_a_late_period_closes_its_own_credits_and_no_others():
    books = opened()
    add_top_up(books, PACK, NOW)
    open_period(books, period(TEAM, 30, NOW - DAY), SOON)
    left = {bucket.source_ref: bucket.remaining for bucket in books.accounts[TEAM].buckets.values()}
    late = period(TEAM, 30, NOW - DAY).source_ref
    assert left == {FIRST.source_ref: 20, PACK.source_ref: 12, late: 0}


def test_a_period_that_began_with_the_newest_is_not_older_than_it():
    books = opened()
    open_period(books, period(TEAM, 30, source_ref="another source"), SOON)
    assert [grant.superseded for grant in books.granted] == [False, False]
    assert books.accounts[TEAM].spendable == 30


def test_a_period_heard_when_it_is_long_over_brings_nothing_to_spend():
    books = empty()
    open_period(books, FIRST, NOW + 33 * DAY)
    assert [line[:2] for line in history(books, skip=0)] == [("replenish", 20), ("expire", -20)]


def test_a_pack_of_credits_is_bought_once_and_never_renewed():
    books = opened()
    add_top_up(books, PACK, SOON)
    bucket = bucket_of(books, PACK.source_ref)
    assert bucket == Bucket(
        id=bucket.id,
        kind="topup",
        source_ref=PACK.source_ref,
        granted=12,
        remaining=12,
        opened_at=SOON,
    )
    assert history(books) == [("top_up", 12, 0, 32, "a pack of credits")]
    assert (books.granted[-1].source_ref, books.granted[-1].granted_at) == (PACK.source_ref, SOON)
    assert not books.granted[-1].superseded
    books = next_batch(books)
    add_top_up(books, PACK, SOON)
    assert not books.have_changed


def test_a_field_that_is_added_later_and_left_empty_makes_no_other_pack():
    class Later(TopUpPaid):
        note: str | None = None

    books = opened()
    add_top_up(books, PACK, NOW)
    books = next_batch(books)
    add_top_up(books, Later(**PACK.model_dump()), NOW)
    assert not books.have_changed


def test_a_pack_may_have_an_end():
    books = opened()
    add_top_up(books, top_up(TEAM, 12, expires_at=SOON), SOON)
    assert history(books) == [
        ("top_up", 12, 0, 32, "a pack of credits"),
        ("expire", -12, 0, 20, "topup credits expired"),
    ]


def test_what_was_booked_with_other_content_is_a_conflict():
    books = opened()
    why = f"{FIRST.source_ref} came before with other content"
    with refused(ConflictingContent, why):
        open_period(books, period(TEAM, 21), NOW)
    add_top_up(books, PACK, NOW)
    with refused(ConflictingContent, f"{PACK.source_ref} came before with other content"):
        add_top_up(books, top_up(TEAM, 13), NOW)


def test_what_is_granted_is_known_again_by_its_content_and_not_by_when_it_came():
    books = opened()
    books = next_batch(books)
    open_period(books, FIRST, NOW + DAY)
    assert not books.have_changed


# Debts


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


# Refunds


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
    refund_payment(books, FAILED, NOW)
    assert (books.accounts[TEAM].spendable, books.accounts[TEAM].owed) == (12, 0)
    refund_payment(books, refund(FIRST, 0.5, source_ref="another"), NOW)
    assert (books.accounts[TEAM].spendable, books.accounts[TEAM].owed) == (2, 0)


def test_what_other_credits_have_paid_for_a_refund_comes_back_when_it_fails():
    books = spent()
    refund_payment(books, refund(FIRST), NOW)
    add_top_up(books, PACK, NOW)
    assert (books.accounts[TEAM].spendable, books.accounts[TEAM].owed) == (4, 0)
    refund_payment(books, FAILED, NOW)
    left = {bucket.kind: bucket.remaining for bucket in books.accounts[TEAM].buckets.values()}
    assert left == {"plan": 12, "topup": 4, "adjustment": 8}
    assert history(books)[-1] == ("adjustment", 20, 0, 24, "the refund of the payment failed")


def test_what_a_failed_refund_gives_back_to_a_closed_bucket_expires_as_its_rest_did():
    books = opened()
    refund_payment(books, refund(FIRST), NOW)
    open_period(books, period(TEAM, 30, NOW + DAY), NOW)
    refund_payment(books, FAILED, NOW)
    assert moved(books) == [(Side.CLAWED_BACK, -20, PLAN), (Side.EXPIRED, 20, PLAN)]
    assert books.accounts[TEAM].spendable == 30


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


# Disputes


def test_a_disputed_payment_freezes_the_account_until_it_is_won():
    books, account = opened(), None
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
