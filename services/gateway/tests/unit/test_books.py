from dataclasses import replace
from uuid import uuid4

import pytest

from contracts.jobs import Receipt
from gateway.application.audit import audit
from gateway.domain.books import JobBooks

TEAM = uuid4()
PAID = Receipt(held=8, captured=6, released=2, unit_price=2, units=3, reason="captured")
FREED = Receipt(held=8, captured=0, released=8, unit_price=2, units=0, reason="failed")
COMPLETED = JobBooks(uuid4(), TEAM, "completed", PAID, 1, 8, 1, 6, 1, 2)
FAILED = JobBooks(uuid4(), TEAM, "failed", FREED, 1, 8, 0, 0, 1, 8)
RUNNING = JobBooks(uuid4(), TEAM, "processing", None, 1, 8, 0, 0, 0, 0)
SETTLING = JobBooks(uuid4(), TEAM, "processing", None, 1, 8, 1, 6, 1, 2)


class Books:
    def __init__(self, reserved: int, *jobs: JobBooks) -> None:
        self._reserved, self._jobs = reserved, jobs

    async def jobs(self):
        for job in self._jobs:
            yield job

    async def reserved(self):
        return {TEAM: self._reserved}


async def test_books_in_order_have_no_findings():
    found = await audit(Books(8, COMPLETED, FAILED, RUNNING, SETTLING))

    assert (found.jobs, found.accounts, found.findings) == (4, 1, ())


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (
            replace(COMPLETED, deducts=0, charged=0, refunds=0, refunded=0),
            "completed, and 8 credits are still held",
        ),
        (replace(COMPLETED, deducts=0, charged=0), "completed without a deduct"),
        (replace(COMPLETED, deducts=2), "1 reserves, 2 deducts and 1 refunds"),
        (replace(COMPLETED, charged=8), "its receipt says captured 6, the history 8"),
        (replace(COMPLETED, receipt=None), "completed without a receipt"),
        (replace(FAILED, deducts=1, charged=2), "failed with 1 deducts and 1 refunds"),
        (replace(FAILED, refunded=6), "its receipt says released 8, the history 6"),
        (replace(FAILED, reserves=0, reserved=0), "settled without a reserve"),
        (replace(RUNNING, status=None), "credits moved for a job that is not shown"),
    ],
)
def test_what_must_not_be_is_found(wrong: JobBooks, what: str):
    assert what in list(wrong.findings())


async def test_what_is_reserved_is_held_by_open_jobs():
    found = await audit(Books(9, RUNNING))

    assert [finding.what for finding in found.findings] == ["9 credits are reserved, 8 are held by open jobs"]
