"""What every use case that goes outside works with, and how it tells what follows."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from chassis.clock import Clock
from contracts import Message
from contracts.envelope import Cause, Delivery
from contracts.jobs import JobChanged, JobsRefused
from jobs.application.ports import Callbacks, Images, Provider, Storage
from jobs.application.work import Work
from jobs.domain.effects import Effect, Follow
from jobs.domain.job import Job
from jobs.domain.rules import Rules

Trace = Callable[[str | None, str], AbstractContextManager[object]]
"""Goes on with a stored trace: `with trace(job.traceparent, "poll"):`."""


@dataclass(frozen=True)
class Tools:
    """The outside world, the time, and the rules; `turn` waits until the provider may be asked again."""

    provider: Provider
    storage: Storage
    images: Images
    callbacks: Callbacks
    rules: Rules
    clock: Clock
    trace: Trace
    turn: Callable[[], Awaitable[None]]


class Asked(Protocol):
    """What somebody asked of a job."""

    @property
    def request_id(self) -> UUID:
        """The request that waits for the answer."""

    @property
    def job_id(self) -> UUID:
        """The job it is about."""


def refuse(work: Work, asked: Asked, cause: Delivery[Any] | Cause, code: str, detail: str) -> None:
    """Answer a request with no."""
    refusal = JobsRefused(request_id=asked.request_id, about=asked.job_id, code=code, detail=detail)
    work.outbox.add(refusal, cause)


def newest(follows: Sequence[Follow]) -> list[Follow]:
    """Leave out what a job was for a moment within one transaction: only its last document is said."""
    documents = [follow for follow in follows if isinstance(follow, JobChanged)]
    return [follow for follow in follows if follow not in documents[:-1]]


def tell(
    work: Work, job: Job, follows: Sequence[Follow], cause: Delivery[Any] | Cause | None = None
) -> list[Effect]:
    """Say the messages among what follows, and return the rest for after the commit.

    What is said on the job's own account has the job's id as its correlation, and its request's trace.
    """
    cause = cause or Cause(correlation_id=job.id, traceparent=job.traceparent)
    for follow in follows:
        if isinstance(follow, Message):
            work.outbox.add(follow, cause)
    return [follow for follow in follows if not isinstance(follow, Message)]
