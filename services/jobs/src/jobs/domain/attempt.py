"""One call of the provider: written down before it is made."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from jobs.domain.calls import Submitted


class AttemptState(StrEnum):
    """What is known of a call. `unwanted`: it may still run, but its job has gone on without it."""

    STARTED = "started"
    IN_DOUBT = "in_doubt"
    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    UNWANTED = "unwanted"
    WASTED = "wasted"


OPEN = frozenset({AttemptState.STARTED, AttemptState.IN_DOUBT, AttemptState.ACCEPTED})


@dataclass(slots=True, kw_only=True)
class Attempt:
    """The n-th call made for a step of a job."""

    id: UUID
    job_id: UUID
    step: int
    n: int
    started_at: datetime
    state: AttemptState = AttemptState.STARTED
    endpoint: str = ""
    submitted: Submitted | None = None
    ended_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether its answer is still waited for."""
        return self.state in OPEN

    @property
    def counts(self) -> bool:
        """Whether it may have run, so that it is one of the few a step may cost."""
        return self.state is not AttemptState.NOT_ACCEPTED

    def end(self, state: AttemptState, now: datetime) -> None:
        """Note how it ended."""
        self.state, self.ended_at = state, now
