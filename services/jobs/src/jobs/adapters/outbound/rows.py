"""A job as a row and back: the aggregate is one document, beside the columns that are searched."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter

from jobs.domain.attempt import Attempt, AttemptState
from jobs.domain.calls import Submitted
from jobs.domain.job import Job

Remembered = TypeVar("Remembered", Job, Attempt)

_JOB = TypeAdapter(Job)
_APART = {"attempts", "due_at", "poll_at", "unwanted"}
"""Not in the document: attempts and unwanted keys are rows of their own, and workers claim by the times."""

JOB_COLUMNS = {
    "id": "uuid",
    "team_id": "uuid",
    "operation": "text",
    "state": "text",
    "step": "smallint",
    "steps": "smallint",
    "priority": "integer",
    "training_of": "uuid",
    "code": "text",
    "position": "integer",
    "created_at": "timestamptz",
    "not_before": "timestamptz",
    "due_at": "timestamptz",
    "poll_at": "timestamptz",
    "expires_at": "timestamptz",
    "warn_at": "timestamptz",
    "data": "jsonb",
}
ATTEMPT_COLUMNS = {
    "id": "uuid",
    "job_id": "uuid",
    "step": "smallint",
    "n": "smallint",
    "state": "text",
    "endpoint": "text",
    "request_id": "text",
    "response_url": "text",
    "status_url": "text",
    "cancel_url": "text",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
}


def unnest(columns: dict[str, str], prefix: str = "") -> str:
    """Write the rows of a statement as one array parameter a column; `prefix` parts them from others."""
    arrays = ", ".join(f"cast(:{prefix}{name} as {kind}[])" for name, kind in columns.items())
    return f"unnest({arrays}) as new ({', '.join(columns)})"


def arrays(columns: dict[str, str], rows: Sequence[Sequence[Any]], prefix: str = "") -> dict[str, list[Any]]:
    """Turn rows into the parameters of `unnest`."""
    names = [f"{prefix}{name}" for name in columns]
    if not rows:
        return {name: [] for name in names}
    return dict(zip(names, (list(column) for column in zip(*rows, strict=True)), strict=True))


def job_row(job: Job) -> tuple[Any, ...]:
    """Write a job as a row, in the order of JOB_COLUMNS."""
    return (
        job.id,
        job.team_id,
        job.operation.value,
        job.state.value,
        job.step,
        len(job.steps),
        job.priority,
        job.training_of,
        job.code,
        job.position,
        job.created_at,
        job.not_before,
        job.due_at,
        job.poll_at,
        job.expires_at,
        job.warn_at,
        _JOB.dump_json(job, exclude=_APART).decode(),
    )


def read_job(data: str, due_at: datetime | None, poll_at: datetime | None) -> Job:
    """Read a job back, without its attempts."""
    job = _JOB.validate_json(data)
    job.due_at, job.poll_at = due_at, poll_at
    return job


def attempt_row(attempt: Attempt) -> tuple[Any, ...]:
    """Write an attempt as a row, in the order of ATTEMPT_COLUMNS."""
    sent = attempt.submitted
    return (
        attempt.id,
        attempt.job_id,
        attempt.step,
        attempt.n,
        attempt.state.value,
        attempt.endpoint,
        sent.request_id if sent else None,
        sent.response_url if sent else None,
        sent.status_url if sent else None,
        sent.cancel_url if sent else None,
        attempt.started_at,
        attempt.ended_at,
    )


def read_attempt(row: Any) -> Attempt:  # noqa: ANN401 - a row of SQLAlchemy has no type of its own
    """Read an attempt back."""
    urls = (row.request_id, row.response_url, row.status_url, row.cancel_url)
    return Attempt(
        id=row.id,
        job_id=row.job_id,
        step=row.step,
        n=row.n,
        started_at=row.started_at,
        state=AttemptState(row.state),
        endpoint=row.endpoint,
        submitted=Submitted(*urls) if row.request_id is not None else None,
        ended_at=row.ended_at,
    )


def copy(one: Remembered) -> Remembered:
    """Copy a job or an attempt as it is now, to see later whether it changed; what it holds never does."""
    return replace(one)
