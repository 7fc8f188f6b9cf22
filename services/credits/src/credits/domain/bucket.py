"""Credits of one origin, and the order in which buckets are spent."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from contracts import credits as messages
from contracts.credits import BucketKind

CloseReason = Literal["replaced", "expired"]
"""Why: a new period came, or its time was over."""

_NEVER = datetime.max.replace(tzinfo=UTC)
_KINDS: tuple[BucketKind, ...] = ("bonus", "plan", "topup", "adjustment")


@dataclass(frozen=True, slots=True)
class Part:
    """So many credits of one bucket."""

    bucket_id: UUID
    amount: int


@dataclass(slots=True)
class Bucket:
    """Credits of one origin: `remaining` are free to spend, `held` are set aside for jobs.

    A closed bucket has nothing remaining and never will: what returns to it goes where its rest went.
    `period_start` is the start of the plan's period that brought the credits, `added` that they came beside
    the period's own. `expired` are those that went
    unspent when it was closed, `demanded` those that refunds of its payment took back; the part of these that
    was neither free nor expired is `owed`, until held credits return.
    """

    id: UUID
    kind: BucketKind
    source_ref: str
    granted: int
    remaining: int
    opened_at: datetime
    held: int = 0
    expires_at: datetime | None = None
    period_start: datetime | None = None
    closed_at: datetime | None = None
    close_reason: CloseReason | None = None
    expired: int = 0
    demanded: int = 0
    owed: int = 0
    added: bool = False

    @property
    def is_open(self) -> bool:
        """Whether credits may be spent from it and return to it."""
        return self.closed_at is None

    @property
    def rank(self) -> tuple[datetime, int, datetime, UUID]:
        """Spend order: soonest expiry first, then bonus, plan, topup, adjustment, then age."""
        return (self.expires_at or _NEVER, _KINDS.index(self.kind), self.opened_at, self.id)

    def has_expired(self, now: datetime) -> bool:
        """Whether it is open beyond its time."""
        return self.is_open and self.expires_at is not None and self.expires_at <= now

    def is_replaced_by(self, period_start: datetime) -> bool:
        """Whether a new period clears it: every bonus, and the plan credits of earlier periods.

        Of its own period it clears what replaces, and leaves what was added.
        """
        if not self.is_open or self.kind not in ("plan", "bonus"):
            return False
        if self.period_start is None or self.period_start < period_start:
            return True
        return self.period_start == period_start and not self.added

    def face(self) -> messages.Bucket:
        """Show the bucket as the team sees it."""
        return messages.Bucket(
            id=self.id,
            kind=self.kind,
            granted=self.granted,
            remaining=self.remaining,
            held=self.held,
            expires_at=self.expires_at,
        )


def adjustment(id_: UUID, amount: int, now: datetime) -> Bucket:
    """Make a bucket for credits that come from us and never expire."""
    return Bucket(
        id=id_,
        kind="adjustment",
        source_ref=f"adjustment:{id_}",
        granted=amount,
        remaining=amount,
        opened_at=now,
    )


def choose(buckets: Iterable[Bucket], amount: int) -> tuple[Part, ...]:
    """Which buckets to take `amount` from, in spend order; less when there is less."""
    parts: list[Part] = []
    for bucket in sorted(buckets, key=lambda bucket: bucket.rank):
        taken = min(bucket.remaining, amount)
        if taken:
            parts.append(Part(bucket.id, taken))
            amount -= taken
    return tuple(parts)


def split(parts: Iterable[Part], amount: int) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Part the first `amount` credits, in the order they were taken, from the rest."""
    first, rest = [], []
    for part in parts:
        taken = min(part.amount, amount)
        amount -= taken
        first.append(Part(part.bucket_id, taken))
        rest.append(Part(part.bucket_id, part.amount - taken))
    return tuple(_without_nothing(first)), tuple(_without_nothing(rest))


def _without_nothing(parts: Iterable[Part]) -> Iterator[Part]:
    return (part for part in parts if part.amount)
