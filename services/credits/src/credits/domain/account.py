"""A team's account: its buckets, its balances, and what one batch posts to its ledger."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from contracts.credits import AccountChanged, EntryKind
from credits.domain.bucket import Bucket, CloseReason, Part, choose
from credits.domain.ledger import About, Line, Move, Posting, Side, change_of, empty_balances, move


class NotEnoughCredits(Exception):
    """More is asked for than the team can spend."""

    def __init__(self, required: int, spendable: int) -> None:
        super().__init__(f"{required} credits are required, {spendable} can be spent")
        self.required = required
        self.spendable = spendable


@dataclass(slots=True)
class Account:
    """The credits of a team. `postings` are those of the batch at hand, all in one version.

    `buckets` are those that are open or hold something; `touched` names the ones the batch changed.
    """

    team_id: UUID
    new_id: Callable[[], UUID]
    version: int = 0
    balances: dict[Side, int] = field(default_factory=empty_balances)
    frozen: bool = False
    period_start: datetime | None = None
    next_replenishment_at: datetime | None = None
    buckets: dict[UUID, Bucket] = field(default_factory=dict)
    postings: list[Posting] = field(default_factory=list)
    opened: list[UUID] = field(default_factory=list)
    touched: set[UUID] = field(default_factory=set)

    @property
    def spendable(self) -> int:
        """What may be spent now, of whatever kind."""
        return self.balances[Side.SPENDABLE]

    def grant(self, bucket: Bucket, kind: EntryKind, about: About) -> None:
        """Put new credits into circulation."""
        self.buckets[bucket.id] = bucket
        self.opened.append(bucket.id)
        moves = [Move(Side.ISSUED, Side.SPENDABLE, bucket.granted, bucket.id)] if bucket.granted else []
        self._post(kind, moves, about, bucket.opened_at)

    def withdraw(self, amount: int, about: About, now: datetime) -> None:
        """Take credits out of circulation again; raises NotEnoughCredits."""
        if amount > self.spendable:
            raise NotEnoughCredits(amount, self.spendable)
        parts = self._take(amount)
        moves = [Move(Side.SPENDABLE, Side.ISSUED, part.amount, part.bucket_id) for part in parts]
        self._post("adjustment", moves, about, now)

    def reserve(self, amount: int, about: About, now: datetime) -> tuple[Part, ...]:
        """Set credits aside for a job; returns which. Raises NotEnoughCredits."""
        if amount > self.spendable:
            raise NotEnoughCredits(amount, self.spendable)
        parts = self._take(amount)
        for part in parts:
            self.buckets[part.bucket_id].held += part.amount
        self._post("reserve", _moves(Side.SPENDABLE, Side.RESERVED, parts), about, now)
        return parts

    def spend(self, parts: Sequence[Part], about: About, now: datetime) -> UUID:
        """Charge credits that were set aside."""
        self._unhold(parts)
        charged = sum(part.amount for part in parts)
        return self._post("deduct", _moves(Side.RESERVED, Side.SPENT, parts), about, now, charged=charged)

    def give_back(self, parts: Sequence[Part], about: About, now: datetime) -> list[UUID]:
        """Return credits that were set aside; what belongs to a closed bucket goes where its rest went."""
        self._unhold(parts)
        entries = [self._post("refund", _moves(Side.RESERVED, Side.SPENDABLE, parts), about, now)]
        for part in parts:
            bucket = self.buckets[part.bucket_id]
            if bucket.is_open:
                bucket.remaining += part.amount
        gone = [part for part in parts if not self.buckets[part.bucket_id].is_open]
        if gone:
            late = replace(about, reason="returned after its bucket was closed")
            entries.append(self._post("expire", _moves(Side.SPENDABLE, Side.EXPIRED, gone), late, now))
        return entries

    def charge(self, amount: int, about: About, now: datetime) -> tuple[UUID, int]:
        """Charge what nothing is set aside for: what is there is spent, the rest stays uncollected.

        Returns the entry and how much could be collected.
        """
        parts = self._take(min(amount, self.spendable))
        collected = sum(part.amount for part in parts)
        moves = _moves(Side.SPENDABLE, Side.SPENT, parts)
        if amount > collected:
            moves.append(Move(Side.UNCOLLECTED, Side.SPENT, amount - collected))
        return self._post("deduct", moves, about, now, charged=collected), collected

    def expire_due(self, now: datetime) -> None:
        """Close the buckets whose time is over."""
        for bucket in sorted(self.buckets.values(), key=lambda bucket: bucket.rank):
            if bucket.has_expired(now):
                self.close(bucket, "expired", now)

    def close(self, bucket: Bucket, reason: CloseReason, now: datetime) -> None:
        """End a bucket: its unheld rest expires now, its held part when it returns."""
        rest, bucket.remaining = bucket.remaining, 0
        bucket.closed_at, bucket.close_reason = now, reason
        self.touched.add(bucket.id)
        if rest:
            about = About(reason=f"{bucket.kind} credits {reason}")
            self._post("expire", [Move(Side.SPENDABLE, Side.EXPIRED, rest, bucket.id)], about, now)

    def face(self) -> AccountChanged:
        """Show the account as the team sees it, with the history lines of this version."""
        shown = sorted((b for b in self.buckets.values() if b.remaining or b.held), key=lambda b: b.rank)
        bonus = sum(bucket.remaining for bucket in shown if bucket.kind == "bonus")
        return AccountChanged(
            team_id=self.team_id,
            version=self.version,
            available=self.spendable - bonus,
            bonus=bonus,
            reserved=self.balances[Side.RESERVED],
            buckets=tuple(bucket.face() for bucket in shown),
            next_replenishment_at=self.next_replenishment_at,
            frozen=self.frozen,
            entries=tuple(posting.entry() for posting in self.postings),
        )

    def _take(self, amount: int) -> tuple[Part, ...]:
        parts = choose(self.buckets.values(), amount)
        for part in parts:
            self.buckets[part.bucket_id].remaining -= part.amount
        self.touched.update(part.bucket_id for part in parts)
        return parts

    def _unhold(self, parts: Iterable[Part]) -> None:
        for part in parts:
            self.buckets[part.bucket_id].held -= part.amount
            self.touched.add(part.bucket_id)

    def _post(
        self, kind: EntryKind, moves: Iterable[Move], about: About, at: datetime, *, charged: int = 0
    ) -> UUID:
        if not self.postings:  # all that one batch does to an account is one version of it
            self.version += 1
        lines: tuple[Line, ...] = move(self.balances, moves)
        posting = Posting(
            id=self.new_id(),
            kind=kind,
            version=self.version,
            amount=change_of(Side.SPENDABLE, lines),
            charged=charged,
            balance_after=self.spendable,
            lines=lines,
            about=about,
            at=at,
        )
        self.postings.append(posting)
        return posting.id


def _moves(source: Side, target: Side, parts: Iterable[Part]) -> list[Move]:
    return [Move(source, target, part.amount, part.bucket_id) for part in parts]
