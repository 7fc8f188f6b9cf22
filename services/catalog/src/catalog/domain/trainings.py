"""One training of a custom model, as far as its job has told."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.jobs import TERMINAL, JobChanged, JobStatus, Progress
from contracts.orders import Operation

MODEL_BUSY = "model_busy"
"""Why jobs refuses a training while another one of the same model is open."""

TRAINED: frozenset[JobStatus] = frozenset({"completed", "expired"})
"""A training whose images have expired was completed once, and its weights have no end."""

PROGRESS_STEP = 10
"""The job tells each percent; the model's document only each tenth, so that it stays a rare event."""


@dataclass(slots=True)
class Training:
    """A job that makes a version: `seen` is the newest version of its document heard of, 0 for none.

    `number` is the version it became, `failure` says why it became none.
    """

    job_id: UUID
    operation: Operation
    instructions: str = ""
    seen: int = 0
    started: bool = False
    progress: int = 0
    code: str | None = None
    failure: str = ""
    finished_at: datetime | None = None
    number: int | None = None
    samples: tuple[str, ...] = ()

    @property
    def refused_as_busy(self) -> bool:
        """Whether it never was a training: another one of the same model was open."""
        return self.code == MODEL_BUSY

    @property
    def shown(self) -> bool:
        """Whether it is under way."""
        return self.finished_at is None and not self.refused_as_busy

    @property
    def trained(self) -> bool:
        """Whether it has ended well."""
        return self.finished_at is not None and not self.failure

    def follow(self, job: JobChanged) -> bool:
        """Take in the job's document; one that comes late, twice or after the end changes nothing."""
        if self.finished_at or job.version <= self.seen:
            return False
        self.seen, self.code, self.started = job.version, job.code, True
        self.progress = max(self.progress, _tenths(job.progress))
        if job.status in TERMINAL:
            self._finish(job)
        return True

    def _finish(self, job: JobChanged) -> None:
        self.finished_at = job.updated_at
        if job.status in TRAINED:
            self.samples = tuple(result.key for result in job.results if result.key)
        else:
            self.failure = job.reason or f"The training was {job.status}."


def _tenths(progress: Progress | None) -> int:
    if progress is None:
        return 0
    percent = ((progress.step - 1) * 100 + progress.percent) // max(progress.steps, 1)
    return min(percent // PROGRESS_STEP * PROGRESS_STEP, 100)
