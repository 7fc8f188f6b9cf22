from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from contracts.credits import CaptureCredits, ReleaseCredits
from contracts.jobs import Receipt
from gateway.domain.books import AccountBooks, Finding, FindingKind, JobBooks

TEAM = uuid4()
PAID = Receipt(held=8, captured=6, released=2, unit_price=2, units=3, reason="captured")
FREED = Receipt(held=8, captured=0, released=8, unit_price=2, units=0, reason="failed")


def replace_receipt(receipt: Receipt, **changes: int) -> Receipt:
    return receipt.model_copy(update=changes)


COMPLETED = JobBooks(uuid4(), TEAM, "completed", PAID, 1, 8, 1, 6, 1, 2)
FAILED = JobBooks(uuid4(), TEAM, "failed", FREED, 1, 8, 0, 0, 1, 8)
RUNNING = JobBooks(uuid4(), TEAM, "processing", None, 1, 8, 0, 0, 0, 0)
SETTLED = JobBooks(uuid4(), TEAM, "processing", None, 1, 8, 1, 6, 1, 2)
LATE = replace(COMPLETED, refunded=8)
GRATIS = replace(
    COMPLETED,
    receipt=replace_receipt(PAID, held=0, captured=0, released=0, unit_price=0),
    reserved=0, deducts=0, charged=0, refunds=0, refunded=0,
)  # fmt: skip
STRANDED = replace(COMPLETED, deducts=0, charged=0, refunds=0, refunded=0)
ACCOUNT = AccountBooks(TEAM, 7, 192, 8, 192, 8, 0)


@pytest.mark.parametrize(
    "fine", [COMPLETED, FAILED, RUNNING, LATE, GRATIS, replace(COMPLETED, status="expired")]
)
def test_books_in_order_have_no_findings(fine: JobBooks):
    assert list(fine.findings()) == []


@pytest.mark.parametrize(
    ("wrong", "kind", "what"),
    [
        (STRANDED, "open_hold", "completed, and 8 credits are still held"),
        (replace(COMPLETED, deducts=0, charged=0), "not_captured", "completed without a deduct"),
        (replace(COMPLETED, deducts=2), "lines", "1 reserves, 2 deducts and 1 refunds"),
        (replace(COMPLETED, charged=8), "receipt", "its receipt says captured 6, the history 8"),
        (replace(COMPLETED, receipt=None), "no_receipt", "completed without a receipt"),
        (
            replace(FAILED, deducts=1, charged=2, refunded=6),
            "captured_in_vain",
            "failed with 1 deducts and 1 refunds",
        ),
        (replace(FAILED, refunded=6), "receipt", "its receipt says released 8, the history 6"),
        (replace(FAILED, reserves=0, reserved=0), "lines", "settled without a reserve"),
        (replace(RUNNING, status=None), "not_shown", "credits moved for a job that is not shown"),
        (replace(RUNNING, reserves=0, reserved=0), "no_hold", "processing, and nothing is held for it"),
        (SETTLED, "no_hold", "processing, and nothing is held for it"),
    ],
)
def test_what_must_not_be_is_found(wrong: JobBooks, kind: str, what: str):
    assert (kind, what) in [(finding.kind, finding.what) for finding in wrong.findings()]


def test_each_kind_of_thing_is_found_once():
    wrong = replace(COMPLETED, charged=1, refunded=1, reserved=2, reserves=2, deducts=2)
    kinds = [finding.kind for finding in wrong.findings()]

    assert kinds == [FindingKind.LINES, FindingKind.RECEIPT]
    assert {finding.subject for finding in wrong.findings()} == {wrong.job_id}


def test_what_credits_has_settled_may_wait_for_jobs_to_hear_of_it():
    usual = timedelta(minutes=2)

    assert Finding(FindingKind.NO_HOLD, TEAM, uuid4(), "").grace(usual) == timedelta(minutes=15)
    assert Finding(FindingKind.OPEN_HOLD, TEAM, uuid4(), "").grace(usual) == usual


def test_an_open_hold_is_decided_as_its_receipt_says():
    assert STRANDED.remedy() == CaptureCredits(job_id=STRANDED.job_id, team_id=TEAM, quantity=3)
    unpaid = replace(STRANDED, status="failed", receipt=FREED)
    assert unpaid.remedy() == ReleaseCredits(job_id=STRANDED.job_id, team_id=TEAM, reason="audit: failed")


@pytest.mark.parametrize(
    "other", [COMPLETED, FAILED, RUNNING, SETTLED, GRATIS, replace(STRANDED, receipt=None)]
)
def test_there_is_no_remedy_for_anything_else(other: JobBooks):
    assert other.remedy() is None


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (replace(ACCOUNT, reserved=9), "9 credits are reserved, 8 are held by open jobs"),
        (replace(ACCOUNT, spendable=190), "190 credits can be spent, its history adds up to 192"),
        (
            replace(ACCOUNT, breaks=2),
            "2 lines of its history show another balance than the lines before add up to",
        ),
    ],
)
def test_an_account_is_what_its_history_adds_up_to(wrong: AccountBooks, what: str):
    assert list(ACCOUNT.findings()) == []
    assert [(finding.job_id, finding.what) for finding in wrong.findings()] == [(None, what)]
