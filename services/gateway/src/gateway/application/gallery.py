"""Images and exports, as they are read and kept: one line an image, found without opening its job."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.jobs import ExportChanged, JobChanged, Result
from gateway.application.reading import Page


@dataclass(frozen=True, slots=True)
class GalleryImage:
    """An image that is there, and what made it."""

    job_id: UUID
    result: Result
    prompt: str
    model_id: UUID | None
    version: int | None
    reference_model_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """Which images are wanted: of a model, of a job, pinned or not, expiring before a time."""

    model_id: UUID | None = None
    job_id: UUID | None = None
    pinned: bool | None = None
    expiring: datetime | None = None


class Gallery(Protocol):
    """What a team has made, each read by an index."""

    async def images(self, team_id: UUID, page: Page, wanted: Shown, now: datetime) -> list[GalleryImage]:
        """List images that are there, newest first; `after` is (job, n)."""

    async def exports(self, team_id: UUID, page: Page) -> list[ExportChanged]:
        """List exports, newest first; `after` is (id)."""

    async def export(self, team_id: UUID, id_: UUID) -> ExportChanged | None:
        """Find an export."""


class Images(Protocol):
    """The lines of the gallery, within a transaction."""

    async def keep(self, jobs: Sequence[JobChanged]) -> None:
        """Show the images of these jobs as they are now, where no newer description of a job is shown."""

    async def known(self, team_id: UUID, job_ids: Collection[UUID]) -> set[UUID]:
        """Tell which of these jobs are the team's and make images."""

    async def withdraw_exports(self, ids: Collection[UUID]) -> None:
        """Take exports of version 0 back."""
