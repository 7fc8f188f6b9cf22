"""One team's credits in plain numbers, worked out without a ledger, to be compared with the real thing."""

import math
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from uuid import UUID

KINDS = ("bonus", "plan", "topup", "adjustment")
FAR = timedelta(days=10_000)
LIFETIME = timedelta(hours=30, minutes=18.75)
MAY_OWE = 50


@dataclass(eq=False)
class Pot:
    """Credits of one origin; what refunds took and could not find is its debt."""

    kind: str
    ref: str
    granted: int
    free: int
    ends: timedelta
    start: timedelta | None = None
    added: bool = False
    closed: bool = False
    lapsed: int = 0
    demanded: int = 0
    debt: int = 0
    held: int = 0

    def close(self) -> None:
        self.lapsed, self.free, self.closed = self.lapsed + self.free, 0, True


@dataclass
class Taken:
    """What a job took from which pots, and until when."""

    parts: list[tuple[Pot, int]]
    until: timedelta

    @property
    def amount(self) -> int:
        return sum(amount for _, amount in self.parts)


@dataclass
class Ended:
    outcome: str
    captured: int
    released: int
    charged: list[tuple[Pot, int]] = field(default_factory=list)
    refunded: int = 0


@dataclass
class Model:
    pots: list[Pot] = field(default_factory=list)
    owed: int = 0
    frozen: bool = False
    disputes: dict[str, str] = field(default_factory=dict)
    demands: dict[str, tuple[str, Fraction]] = field(default_factory=dict)
    pending: list[tuple[str, Fraction, str]] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    newest: timedelta | None = None
    holds: dict[UUID, Taken] = field(default_factory=dict)
    ended: dict[UUID, Ended] = field(default_factory=dict)

    @property
    def spendable(self) -> int:
        return sum(pot.free for pot in self.pots)

    @property
    def bonus(self) -> int:
        return sum(pot.free for pot in self.pots if pot.kind == "bonus")

    @property
    def reserved(self) -> int:
        return sum(taken.amount for taken in self.holds.values())

    @property
    def is_frozen(self) -> bool:
        return self.frozen or "opened" in self.disputes.values()

    def pot(self, ref: str) -> Pot | None:
        return next((pot for pot in self.pots if pot.ref == ref), None)

    def expire(self, now: timedelta) -> None:
        for pot in self.pots:
            if not pot.closed and pot.ends <= now:
                pot.close()

    def fill(self, pot: Pot) -> None:
        """Add new credits; what is overdue is paid from them first."""
        self.pots.append(pot)
        covered = sum(min(each.debt, each.held) for each in self.pots)
        paid = min(pot.free, max(0, self.owed - covered))
        pot.free -= paid
        self.owed -= paid

    def grant(self, kind: str, ref: str, credits: int, ends: timedelta, now: timedelta) -> None:
        if self.pot(ref) is None:
            self.fill(Pot(kind, ref, credits, credits, ends))
            self._granted(ref, now)

    def period(
        self, ref: str, credits: int, start: timedelta, ends: timedelta, now: timedelta, *, add: bool
    ) -> None:
        if self.pot(ref) is not None:
            return
        late = self.newest is not None and start < self.newest
        late = late or (not add and any((pot.granted, pot.ref) > (credits, ref) for pot in self._own(start)))
        if not add and not late:
            self._replace(start)
        new = Pot("plan", ref, credits, credits, ends, start, add)
        self.fill(new)
        if late:
            new.close()
        self._granted(ref, now)

    def _own(self, start: timedelta) -> list[Pot]:
        plans = (pot for pot in self.pots if pot.kind == "plan" and not pot.added and not pot.closed)
        return [pot for pot in plans if pot.start == start and start == self.newest]

    def _replace(self, start: timedelta) -> None:
        own = self._own(start)
        self.newest = start
        for pot in self.pots:
            older = pot.kind == "plan" and pot.start is not None and pot.start < start
            if not pot.closed and (older or pot in own or pot.kind == "bonus"):
                pot.close()

    def _granted(self, ref: str, now: timedelta) -> None:
        self.expire(now)
        for each in [each for each in self.pending if each[0] == ref]:
            self.pending.remove(each)
            self._demand(*each)

    def refund(self, ref: str, grant: str, share: Fraction) -> None:
        if ref not in self.demands:
            self.demands[ref] = (grant, share)
            self._demand(grant, share, ref)

    def refund_fails(self, ref: str, grant: str, share: Fraction) -> None:
        self.demands[ref] = (grant, share)
        self.pending = [each for each in self.pending if each[2] != ref]
        if ref in self.failed:
            return
        self.failed.add(ref)
        pot, amount = self.pot(grant), self.taken.pop(ref, 0)
        if pot is None or not amount:
            return
        forgiven = min(pot.debt, amount)
        unpaid = min(forgiven, self.owed)
        pot.demanded -= amount
        pot.debt -= forgiven
        self.owed -= unpaid
        back = "lapsed" if pot.closed else "free"
        setattr(pot, back, getattr(pot, back) + amount - forgiven)
        if forgiven > unpaid:
            extra = forgiven - unpaid
            self.pots.append(Pot("adjustment", f"failed:{ref}", extra, extra, FAR))

    def dispute(self, ref: str, grant: str, share: Fraction, state: str) -> None:
        known = self.disputes.get(ref)
        if known in ("won", "lost") or known == state:
            return
        self.disputes[ref] = state
        if state == "lost":
            self._demand(grant, share, ref)

    def _demand(self, grant: str, share: Fraction, ref: str) -> None:
        pot = self.pot(grant)
        if pot is None:
            self.pending.append((grant, share, ref))
            return
        amount = min(math.ceil(share * pot.granted), pot.granted - pot.demanded)
        self.taken[ref] = amount
        pot.demanded += amount
        for source in ("free", "lapsed"):
            found = min(getattr(pot, source), amount)
            setattr(pot, source, getattr(pot, source) - found)
            amount -= found
        pot.debt += amount
        self.owed += amount

    def hold(self, job: UUID, amount: int, now: timedelta) -> bool:
        self.expire(now)
        if self.is_frozen or amount > self.spendable or self.owed > MAY_OWE:
            return False
        parts = self._take(amount)
        for pot, taken in parts:
            pot.held += taken
        self.holds[job] = Taken(parts, now + LIFETIME)
        return True

    def settle(self, job: UUID, outcome: str, charge: int) -> None:
        taken = self.holds.pop(job)
        for pot, amount in taken.parts:
            pot.held -= amount
        charged, rest = _split(taken.parts, charge)
        self.ended[job] = Ended(outcome, charge, taken.amount - charge, charged)
        for pot, amount in rest:
            left = self._pay(pot, amount)
            if pot.closed:
                pot.lapsed += left
            else:
                pot.free += left

    def capture_late(self, job: UUID, held: int, due: int, now: timedelta) -> None:
        self.expire(now)
        collected = min(due, self.spendable)
        self._take(collected)
        self.owed += due - collected
        outcome = "late_captured" if collected == due else "uncollected"
        self.ended[job] = Ended(outcome, collected, held - due)

    def refund_job(self, job: UUID, amount: int) -> bool:
        ended = self.ended.get(job)
        if ended is None or not 0 < amount <= ended.captured or ended.refunded not in (0, amount):
            return False
        if ended.refunded:
            return True
        ended.refunded = amount
        homeless = amount
        for pot, part in _split(ended.charged[::-1], amount)[0]:
            left = self._pay(pot, part)
            homeless -= part - left
            if not pot.closed:
                pot.free += left
                homeless -= left
        if homeless:
            self.pots.append(Pot("adjustment", f"back:{job}", homeless, homeless, FAR))
        return True

    def take(self, amount: int, now: timedelta) -> bool:
        self.expire(now)
        if amount > self.spendable:
            return False
        self._take(amount)
        return True

    def _pay(self, pot: Pot, amount: int) -> int:
        paid = min(amount, pot.debt, self.owed)
        pot.debt -= paid
        self.owed -= paid
        return amount - paid

    def _take(self, amount: int) -> list[tuple[Pot, int]]:
        order = sorted(self.pots, key=lambda pot: (pot.ends, KINDS.index(pot.kind), self.pots.index(pot)))
        parts, _ = _split([(pot, pot.free) for pot in order], amount)
        for pot, taken in parts:
            pot.free -= taken
        return parts


def _split(parts: list[tuple[Pot, int]], amount: int) -> tuple[list[tuple[Pot, int]], list[tuple[Pot, int]]]:
    first, rest = [], []
    for pot, size in parts:
        taken = min(size, amount)
        amount -= taken
        first.append((pot, taken))
        rest.append((pot, size - taken))
    return [part for part in first if part[1]], [part for part in rest if part[1]]
