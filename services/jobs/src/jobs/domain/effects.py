"""What has to be done outside after a decision is written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from contracts import Message
from contracts.orders import Operation

if TYPE_CHECKING:
    from jobs.domain.attempt import Attempt
    from jobs.domain.calls import StepKind, Submitted
    from jobs.domain.job import Job
    from jobs.domain.record import JobRecord


class Nudge(StrEnum):
    """A worker has something to do now, rather than at its next round."""

    DISPATCH = "dispatch"
    POLL = "poll"
    STORE = "store"
    DISCARD = "discard"
    MOVE = "move"
    EXPORT = "export"
    DEADLINES = "deadlines"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class Submit:
    """Make the call of this attempt."""

    job: JobRecord
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Store:
    """Store what the current step of this job made; a lease keeps others from it meanwhile."""

    job: Job


@dataclass(frozen=True, slots=True)
class CancelCall:
    """Ask the provider to stop a call."""

    submitted: Submitted
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Wasted:
    """The provider made something nobody wanted any more; counted, for it costs money."""

    attempt_id: UUID


@dataclass(frozen=True, slots=True)
class Answered:
    """A call has `succeeded`, or failed with this code, or its answer did not come in time; counted."""

    kind: StepKind
    outcome: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A job has ended, so long after it was asked for; counted, once for each job."""

    operation: Operation
    status: str
    after: timedelta


@dataclass(frozen=True, slots=True)
class Ignored:
    """A fact came late, twice or forged, and changed nothing; counted."""

    fact: str


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Credits has not answered for a quarter of an hour: somebody has to look."""

    job_id: UUID


Effect = Unsettled | Nudge | Submit | Store | CancelCall | Wasted | Answered | Ended | Ignored
Follow = Message | Effect
