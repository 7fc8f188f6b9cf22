"""A team is closed for good: nothing of it is kept but what its jobs cost."""

from datetime import datetime, timedelta
from uuid import UUID

from contracts.orders import Recipe
from jobs.domain.job import Job
from jobs.domain.state import TERMINAL, State

LOOKED_FOR = timedelta(days=30)
FORGOTTEN = Recipe()
"""The recipe of a job whose team is closed."""


def prefixes(team_id: UUID) -> tuple[str, ...]:
    """Name every place where objects of a team can be."""
    roots = ("images", "thumbs", "pinned/images", "pinned/thumbs", "uploads", "exports", "models")
    return tuple(f"{root}/{team_id}/" for root in roots)


def forget(job: Job) -> None:
    """Take all words and pictures out of a job that has ended; when it ran and what it cost stays."""
    if job.state not in TERMINAL:
        raise ValueError(f"job {job.id} has not ended")
    if job.state is State.COMPLETED:
        job.state = State.EXPIRED
    job.recipe, job.material, job.outcome, job.user_id = FORGOTTEN, None, None, None
    job.results, job.reason, job.expires_at, job.warn_at = (), "", None, None


def next_look(closed_at: datetime, now: datetime) -> datetime | None:
    """Say when to look again for what came late: ever more rarely, for a month."""
    age = now - closed_at
    return now + max(timedelta(seconds=2), age / 2) if age < LOOKED_FOR else None
