"""The states of a job, and what its team sees of them."""

from enum import StrEnum

from contracts.jobs import JobStatus


class State(StrEnum):
    """Where the saga of a job stands."""

    QUEUED = "queued"
    SUBMITTING = "submitting"
    RUNNING = "running"
    STORING = "storing"
    SETTLING = "settling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


WITH_PROVIDER = frozenset({State.SUBMITTING, State.RUNNING})
WORKING = WITH_PROVIDER | {State.STORING}
WANTING = WITH_PROVIDER | {State.QUEUED}
"""Still wants a result; queued too, for a call whose fate is unknown may answer while the job waits again."""
OPEN = WORKING | {State.QUEUED}
TERMINAL = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED, State.EXPIRED})

_PUBLIC: dict[State, JobStatus] = {
    State.QUEUED: "queued",
    State.SUBMITTING: "processing",
    State.RUNNING: "processing",
    State.STORING: "processing",
    State.SETTLING: "processing",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "cancelled",
    State.EXPIRED: "expired",
}


def public_status(state: State, *, cancelling: bool) -> JobStatus:
    """Return what the team sees: a job that is being stopped says so until it has ended."""
    status = _PUBLIC[state]
    return "cancelling" if cancelling and state not in TERMINAL else status


class TooLate(Exception):
    """The job has gone too far to be stopped: its results are being kept, or it has ended."""

    def __init__(self, state: State) -> None:
        super().__init__("it has ended" if state in TERMINAL else "its results are already being kept")
