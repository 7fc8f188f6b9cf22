"""What an operator may ask of jobs."""

import sys
from uuid import UUID

from jobs.application.ports import Storage, StorageUnavailable
from jobs.application.work import Transaction
from jobs.domain.attempt import Attempt
from jobs.domain.job import Job


async def prepare_bucket(storage: Storage) -> int:
    """Apply the bucket's lifecycle rules; 1 when it cannot be reached."""
    try:
        await storage.apply_lifecycle()
    except StorageUnavailable as error:
        print(f"the bucket is not prepared: {error}", file=sys.stderr)
        return 1
    print("uploads/ is kept 7 days, images/ and thumbs/ 90 days, exports/ 1 day, everything else for ever")
    return 0


async def show(job_id: UUID, transaction: Transaction) -> int:
    """Print a job with each call made for it; 1 when there is none."""
    async with transaction() as work:
        job = (await work.jobs.lock([job_id])).get(job_id)
    if job is None:
        print(f"there is no job {job_id}", file=sys.stderr)
        return 1
    print("\n".join(_lines(job)))
    return 0


def _lines(job: Job) -> list[str]:
    cancelling = ", cancelling" if job.cancelling else ""
    lines = [
        f"job {job.id}: {job.operation}, {job.quantity} x {job.price.unit_price} credits, team {job.team_id}",
        f"state {job.state}{cancelling}, step {job.step} of {len(job.steps)} ({job.kind})",
    ]
    lines += [f"to be acted on at {job.due_at}"] if job.due_at else []
    lines += [f"because {job.code or '-'}: {job.reason}"] if job.code or job.reason else []
    lines += [f"  {moment.at.isoformat()} {moment.event} {moment.detail}" for moment in job.timeline]
    lines += [f"  {_attempt(attempt)}" for attempt in job.attempts]
    lines += [f"receipt: {job.receipt.model_dump_json()}"] if job.receipt else []
    return lines


def _attempt(attempt: Attempt) -> str:
    request = attempt.submitted.request_id if attempt.submitted else "no request id"
    place = f"step {attempt.step} attempt {attempt.n} ({attempt.id})"
    return f"{place}: {attempt.state}, {attempt.endpoint or '-'}, {request}"
