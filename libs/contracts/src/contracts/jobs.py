"""The messages of jobs: what happens to each order, and how a client may interfere."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.message import Command, Document, Fact, Value
from contracts.orders import Operation, Recipe

JobStatus = Literal[
    "accepted", "queued", "processing", "cancelling", "completed", "failed", "cancelled", "expired"
]
TERMINAL: frozenset[str] = frozenset({"completed", "failed", "cancelled", "expired"})


class CancelJob(Command):
    """Asks jobs to stop a job; answered by the job's document or by `jobs.refused` (too_late, not_found)."""

    type: ClassVar[str] = "jobs.cancel.v1"

    request_id: UUID
    team_id: UUID
    job_id: UUID

    @property
    def subject(self) -> str:
        """The job to stop."""
        return str(self.job_id)


class DeleteImages(Command):
    """Asks jobs to delete images with their thumbnails; answered by the job's document or `jobs.refused`."""

    type: ClassVar[str] = "jobs.delete-image.v1"

    request_id: UUID
    team_id: UUID
    job_id: UUID
    n: tuple[int, ...] = Field(min_length=1)

    @property
    def subject(self) -> str:
        """The job that made them."""
        return str(self.job_id)


class PinImages(Command):
    """Asks jobs to keep images beyond their time, or to let them expire again.

    Answered by the job's document or `jobs.refused` (not_allowed, not_found, gone).
    """

    type: ClassVar[str] = "jobs.pin-image.v1"

    request_id: UUID
    team_id: UUID
    job_id: UUID
    n: tuple[int, ...] = Field(min_length=1)
    pinned: bool = True

    @property
    def subject(self) -> str:
        """The job that made them."""
        return str(self.job_id)


class ImageRef(Value):
    """One image: the job that made it, and its number there."""

    job_id: UUID
    n: int


class ExportImages(Command):
    """Asks jobs for a zip of images with a manifest; answered by `jobs.export-changed` or `jobs.refused`."""

    type: ClassVar[str] = "jobs.export-images.v1"

    request_id: UUID
    team_id: UUID
    user_id: UUID | None = None
    export_id: UUID
    images: tuple[ImageRef, ...] = Field(min_length=1, max_length=1_000)

    @property
    def subject(self) -> str:
        """The export that is to be."""
        return str(self.export_id)


class ProviderCallback(Command):
    """The provider's webhook as it came: signature, age and size are checked, the MAC is not yet."""

    type: ClassVar[str] = "jobs.provider-callback.v1"

    attempt_id: UUID
    mac: str
    provider_request_id: str
    body: str = Field(max_length=1_000_000)
    received_at: datetime

    @property
    def subject(self) -> str:
        """The attempt it answers."""
        return str(self.attempt_id)


class Result(Value):
    """One image of a job; `withheld` when the provider's safety checker kept it back (then without keys).

    A deleted image, by its team or because `expires_at` has passed, has no keys either; a pinned one never
    expires.
    """

    n: int
    key: str | None = None
    thumbnail_key: str | None = None
    width: int = 0
    height: int = 0
    seed: str | None = None
    withheld: bool = False
    deleted: bool = False
    pinned: bool = False
    expires_at: datetime | None = None


class Receipt(Value):
    """What a job cost: `held = captured + released + uncollected`, and `captured = units x unit_price`."""

    held: int
    captured: int
    released: int
    uncollected: int = 0
    unit_price: int
    units: int
    reason: str
    entry_ids: tuple[UUID, ...] = ()


class Cost(Value):
    """What is held for a job at `unit_price` of the price list `price_version`; never more is charged."""

    held: int
    unit_price: int
    price_version: int


class Progress(Value):
    """How far a job is: its step of so many, what the step is, and the percentage of it."""

    step: int = 1
    steps: int = 1
    label: str = ""
    percent: int = Field(default=0, ge=0, le=100)
    queue_position: int | None = None


class Moment(Value):
    """When something happened to a job."""

    at: datetime
    event: str
    detail: str = ""


class JobChanged(Document):
    """A job as its team may see it. Keys, never links: whoever shows it signs links on reading.

    `code` says why a job failed or waits (`content_policy`, `provider_error`, `plan_slots_busy` ...),
    `reason` says it in words.
    """

    type: ClassVar[str] = "jobs.job-changed.v1"

    id: UUID
    team_id: UUID
    user_id: UUID | None = None
    operation: Operation
    status: JobStatus
    quantity: int
    cost: Cost | None = None
    code: str | None = None
    reason: str = ""
    position: int | None = None
    progress: Progress | None = None
    recipe: Recipe
    results: tuple[Result, ...] = ()
    receipt: Receipt | None = None
    timeline: tuple[Moment, ...] = ()
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None

    @property
    def subject(self) -> str:
        """The job."""
        return str(self.id)

    @property
    def routing_key(self) -> str:
        """Ends with operation and status, so that a service hears only what concerns it."""
        return f"{self.type}.{self.operation}.{self.status}"


class ExportChanged(Document):
    """A zip of images: `done` of `images` so far, then `key` and `size` in bytes until `expires_at`.

    Images that are gone by then are listed in the manifest and counted in `missing`.
    """

    type: ClassVar[str] = "jobs.export-changed.v1"

    id: UUID
    team_id: UUID
    user_id: UUID | None = None
    status: Literal["accepted", "processing", "completed", "failed", "expired"]
    images: int
    done: int = 0
    missing: int = 0
    key: str | None = None
    size: int = 0
    reason: str = ""
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None

    @property
    def subject(self) -> str:
        """The export."""
        return str(self.id)


class ImagesExpiring(Fact):
    """Images of a job will be deleted at `expires_at`; said once, some days before."""

    type: ClassVar[str] = "jobs.images-expiring.v1"
    public: ClassVar[bool] = True

    team_id: UUID
    job_id: UUID
    n: tuple[int, ...]
    expires_at: datetime

    @property
    def subject(self) -> str:
        """The job that made them."""
        return str(self.job_id)


class JobsRefused(Fact):
    """Jobs will not do what a request asked."""

    type: ClassVar[str] = "jobs.refused.v1"

    request_id: UUID
    about: UUID
    code: str
    detail: str

    @property
    def subject(self) -> str:
        """The request that waits for the verdict."""
        return str(self.request_id)
