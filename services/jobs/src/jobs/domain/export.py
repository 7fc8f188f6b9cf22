"""An export: images on their way into one zip, which is kept for a day."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.jobs import ExportChanged, ImageRef
from jobs.domain.rules import Rules

Status = Literal["processing", "completed", "failed", "expired"]


class TooManyExports(Exception):
    """The team has as many exports under way, or made in a day, as it may."""


def check_exports(open_: int, recent: int, rules: Rules) -> None:
    """Raise TooManyExports when a team with so many may not ask for one more."""
    if open_ >= rules.exports_open:
        raise TooManyExports(f"{open_} exports are under way already; wait until one is done")
    if recent >= rules.exports_a_day:
        raise TooManyExports(f"{recent} exports were made within a day, which is as many as there may be")


def export_key(team_id: UUID, export_id: UUID) -> str:
    """Name the zip of an export; the bucket's own rule ends it after a day, too."""
    return f"exports/{team_id}/{export_id}.zip"


@dataclass(slots=True, kw_only=True)
class Export:
    """Images that a team wants as one file. `upload_id` is the unfinished upload, if one has begun."""

    id: UUID
    team_id: UUID
    user_id: UUID | None
    images: tuple[ImageRef, ...]
    created_at: datetime
    updated_at: datetime
    status: Status = "processing"
    version: int = 0
    done: int = 0
    missing: int = 0
    key: str | None = None
    size: int = 0
    reason: str = ""
    expires_at: datetime | None = None
    upload_id: str | None = None
    traceparent: str | None = None
    unwanted: list[str] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether it is still being made."""
        return self.status == "processing"

    def begin(self, floor: int = 0) -> list[ExportChanged]:
        """Take it on; its versions begin after `floor`."""
        self.version = floor
        return self._say(self.created_at)

    def progressed(self, done: int, missing: int, now: datetime) -> list[ExportChanged]:
        """Show how far it is; whoever begins anew after a crash says nothing until it is further."""
        if not self.open or done <= self.done:
            return []
        self.done, self.missing = done, missing
        return self._say(now)

    def completed(self, size: int, missing: int, now: datetime, rules: Rules) -> list[ExportChanged]:
        """Offer the zip, for a while."""
        if not self.open:
            return []
        self.status, self.size, self.upload_id = "completed", size, None
        self.done, self.missing = len(self.images), missing
        self.key, self.expires_at = export_key(self.team_id, self.id), now + rules.export_life
        return self._say(now)

    def failed(self, reason: str, now: datetime) -> list[ExportChanged]:
        """Give it up; nobody pays for an export."""
        if not self.open:
            return []
        self.status, self.reason, self.upload_id = "failed", reason, None
        return self._say(now)

    def expired(self, now: datetime) -> list[ExportChanged]:
        """Take the zip away: its time is over."""
        if self.status != "completed" or self.expires_at is None or now < self.expires_at:
            return []
        self.unwanted += [self.key] if self.key else []
        self.status, self.key = "expired", None
        return self._say(now)

    def document(self) -> ExportChanged:
        """Write the export down as its team may see it."""
        return ExportChanged(
            id=self.id,
            team_id=self.team_id,
            user_id=self.user_id,
            version=self.version,
            status=self.status,
            images=len(self.images),
            done=self.done,
            missing=self.missing,
            key=self.key,
            size=self.size,
            reason=self.reason,
            created_at=self.created_at,
            updated_at=self.updated_at,
            expires_at=self.expires_at,
        )

    def _say(self, now: datetime) -> list[ExportChanged]:
        self.version += 1
        self.updated_at = now
        return [self.document()]
