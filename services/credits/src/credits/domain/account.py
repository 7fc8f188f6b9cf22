"""A team's account: its buckets, its balances, and what one batch posts to its ledger."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from contracts.credits import AccountChanged, EntryKind
from credits.domain.bucket import Bucket, CloseReason, Part, adjustment, choose
from credits.domain.ledger import About, Line, Move, Posting, Side, change_of, empty_balances, move


class NotEnoughCredits(Exception):
    """More is asked for than the team can spend."""

    def __init__(self, required: int, spendable: int) -> None:
        super().__init__(f"{required} credits are required, {spendable} can be spent")
        self.required = required
        self.spendable = spendable


class UnknownTeam(Exception):
    """There is no account of that team."""

    def __init__(self, team_id: UUID) -> None:
        super().__init__(f"team {team_id} has no account")


@dataclass(slots=True)
class Account:
    """The credits of a team. `postings` are those of the batch at hand, all in one version.

    `buckets` are those that are open or hold something; `touched` names the ones the batch changed. It is
    `frozen` by an operator, or by `disputes`, as long as one is open. The team itself wants to hear when it
    can spend less than `alert_below`.
    """

    team_id: UUID
    new_id: Callable[[], UUID]
    version: int = 0
    balances: dict[Side, int] = field(default_factory=empty_balances)
    frozen: bool = False
    disputes: int = 0
    period_start: datetime | None = None
    next_replenishment_at: datetime | None = None
    alert_below: int = 0
    buckets: dict[UUID, Bucket] = field(default_factory=dict)
    postings: list[Posting] = field(default_factory=list)
    opened: list[UUID] = field(default_factory=list)
    touched: set[UUID] = field(default_factory=set)

    @property
    def spendable(self) -> int:
        """What may be spent now, of whatever kind."""
        return self.balances[Side.SPENDABLE]

    @property
    def owed(self) -> int:
        """What was delivered, or paid back, and could not be collected yet."""
        return -self.balances[Side.UNCOLLECTED]

    @property
    def is_frozen(self) -> bool:
        """Whether nothing new may be set aside."""
        return self.frozen or self.disputes > 0

    @property
    def overdue(self) -> int:
        """What is owed beyond what credits that are still held will pay when they return."""
        covered = sum(min(bucket.owed, bucket.held) for bucket in self.buckets.values())
        return max(0, -self.balances[Side.UNCOLLECTED] - covered)

    def grant(self, bucket: Bucket, kind: EntryKind, about: About) -> None:
        """Put new credits into circulation; what the team owes is paid from them first."""
        self.buckets[bucket.id] = bucket
        self.opened.append(bucket.id)
        moves = [Move(Side.ISSUED, Side.SPENDABLE, bucket.granted, bucket.id)] if bucket.granted else []
        self._post(kind, moves, about, bucket.opened_at)
        self._collect(bucket, bucket.opened_at)

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
        paid, rest = self._pay_what_is_owed(parts)
        if paid:
            late = replace(about, reason="returned after its payment was refunded")
            entries.append(self._post("claw_back", _moves(Side.SPENDABLE, Side.UNCOLLECTED, paid), late, now))
        if gone := self._put_back(rest):
            late = replace(about, reason="returned after its bucket was closed")
            entries.append(self._post("expire", _moves(Side.SPENDABLE, Side.EXPIRED, gone), late, now))
        return entries

    def give_again(self, parts: Sequence[Part], amount: int, about: About, now: datetime) -> UUID:
        """Return `amount` spent credits, of which `parts` came from known buckets.

        They pay what is owed of their bucket, or return to it while it is open; everything else goes to a
        bucket of its own that never expires.
        """
        paid, rest = self._pay_what_is_owed(parts)
        back = [part for part in rest if self.buckets[part.bucket_id].is_open]
        self._put_back(back)
        moves = _moves(Side.SPENT, Side.UNCOLLECTED, paid) + _moves(Side.SPENT, Side.SPENDABLE, back)
        moves += self._house(Side.SPENT, amount - sum(part.amount for part in (*paid, *back)), now)
        return self._post("refund", moves, about, now, charged=-amount)

    def claw_back(self, bucket: Bucket, amount: int, about: About, now: datetime) -> None:
        """Take granted credits back: what is free, then what expired unspent; the rest is owed."""
        free = min(bucket.remaining, amount)
        lapsed = min(bucket.expired, amount - free)
        owed = amount - free - lapsed
        bucket.remaining -= free
        bucket.expired -= lapsed
        bucket.demanded += amount
        bucket.owed += owed
        self.touched.add(bucket.id)
        sources = {Side.SPENDABLE: free, Side.EXPIRED: lapsed, Side.UNCOLLECTED: owed}
        moves = [Move(side, Side.CLAWED_BACK, part, bucket.id) for side, part in sources.items() if part]
        self._post("claw_back", moves, about, now)

    def undo_claw_back(self, bucket: Bucket, amount: int, about: About, now: datetime) -> None:
        """Give back what was taken of a bucket, to where it would be now.

        What is owed of it is owed no more, and what other credits have paid of that comes back to spend; the
        rest returns to the bucket, or where its rest went.
        """
        forgiven = min(bucket.owed, amount)
        unpaid = min(forgiven, self.owed)
        bucket.owed -= forgiven
        bucket.demanded -= amount
        self.touched.add(bucket.id)
        back = [Part(bucket.id, amount - forgiven)]
        self._put_back(back)
        moves = _moves(Side.CLAWED_BACK, Side.SPENDABLE if bucket.is_open else Side.EXPIRED, back)
        moves += _moves(Side.CLAWED_BACK, Side.UNCOLLECTED, [Part(bucket.id, unpaid)])
        moves = [move for move in moves if move.amount]
        moves += self._house(Side.CLAWED_BACK, forgiven - unpaid, now)
        self._post("adjustment", moves, about, now)

    def note(self, about: About, now: datetime) -> None:
        """Write down what changes the account, but no balance."""
        self._post("adjustment", (), about, now)

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
        bucket.expired += rest
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
            frozen=self.is_frozen,
            uncollected=self.owed,
            entries=tuple(posting.entry() for posting in self.postings),
        )

    def _house(self, source: Side, amount: int, now: datetime) -> list[Move]:
        """Open a bucket that never expires for what has no other to return to."""
        if not amount:
            return []
        bucket = adjustment(self.new_id(), amount, now)
        self.buckets[bucket.id] = bucket
        self.opened.append(bucket.id)
        return [Move(source, Side.ISSUED, amount), Move(Side.ISSUED, Side.SPENDABLE, amount, bucket.id)]

    def _collect(self, bucket: Bucket, at: datetime) -> None:
        amount = min(bucket.remaining, self.overdue)
        if amount:
            bucket.remaining -= amount
            paid = [Move(Side.SPENDABLE, Side.UNCOLLECTED, amount, bucket.id)]
            self._post("claw_back", paid, About(reason="paid what was owed"), at)

    def _take(self, amount: int) -> tuple[Part, ...]:
        parts = choose(self.buckets.values(), amount)
        for part in parts:
            self.buckets[part.bucket_id].remaining -= part.amount
        self.touched.update(part.bucket_id for part in parts)
        return parts

    def _pay_what_is_owed(self, parts: Iterable[Part]) -> tuple[list[Part], list[Part]]:
        """Part what pays for refunded credits of the same bucket from the rest."""
        paid, rest = [], []
        debt = -self.balances[Side.UNCOLLECTED]
        for part in parts:
            bucket = self.buckets[part.bucket_id]
            pays = min(part.amount, bucket.owed, debt)
            bucket.owed -= pays
            debt -= pays
            paid.append(Part(bucket.id, pays))
            rest.append(Part(bucket.id, part.amount - pays))
            self.touched.add(bucket.id)
        return [part for part in paid if part.amount], [part for part in rest if part.amount]

    def _put_back(self, parts: Iterable[Part]) -> list[Part]:
        """Make credits free to spend again; returns those whose bucket is closed: they expire."""
        gone = []
        for part in parts:
            bucket = self.buckets[part.bucket_id]
            if bucket.is_open:
                bucket.remaining += part.amount
            else:
                bucket.expired += part.amount
                gone.append(part)
        return gone

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
