"""Double entry: every movement of credits is a posting whose lines sum to zero."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from contracts.credits import Entry, EntryKind
from contracts.orders import Operation


class Side(StrEnum):
    """Where a team's credits can be; the balances of all of them together are always zero.

    `issued` is the source and therefore never above zero; `uncollected` is a receivable and never above zero.
    """

    ISSUED = "issued"
    SPENDABLE = "spendable"
    RESERVED = "reserved"
    SPENT = "spent"
    EXPIRED = "expired"
    CLAWED_BACK = "clawed_back"
    UNCOLLECTED = "uncollected"


@dataclass(frozen=True, slots=True)
class Move:
    """So many credits from one side to another, and the bucket they belong to."""

    source: Side
    target: Side
    amount: int
    bucket_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One side of a posting, with the balance of that side afterwards."""

    side: Side
    amount: int
    bucket_id: UUID | None
    balance_after: int


@dataclass(frozen=True, slots=True)
class About:
    """What a posting is about, as the team reads it.

    `by` is the operator whose doing it is, `key` what makes sure that it is done once.
    """

    job_id: UUID | None = None
    operation: Operation | None = None
    reason: str = ""
    by: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """One transaction of the ledger, and one line of the team's public history.

    `amount` is how it changed what the team can spend, `charged` what was finally spent by it,
    `balance_after` what the team can spend afterwards.
    """

    id: UUID
    kind: EntryKind
    version: int
    amount: int
    charged: int
    balance_after: int
    lines: tuple[Line, ...]
    about: About
    at: datetime

    def entry(self) -> Entry:
        """Show the posting as the team sees it."""
        return Entry(
            id=self.id,
            kind=self.kind,
            amount=self.amount,
            charged=self.charged,
            balance_after=self.balance_after,
            version=self.version,
            job_id=self.about.job_id,
            operation=self.about.operation,
            reason=self.about.reason,
            at=self.at,
        )


def empty_balances() -> dict[Side, int]:
    """Start an account at which nothing has happened yet."""
    return dict.fromkeys(Side, 0)


def move(balances: dict[Side, int], moves: Iterable[Move]) -> tuple[Line, ...]:
    """Carry the moves out on the balances; returns their lines, two for each move."""
    lines: list[Line] = []
    for step in moves:
        for side, amount in ((step.source, -step.amount), (step.target, step.amount)):
            balances[side] += amount
            lines.append(Line(side, amount, step.bucket_id, balances[side]))
    return tuple(lines)


def change_of(side: Side, lines: Iterable[Line]) -> int:
    """By how much the lines change one side."""
    return sum(line.amount for line in lines if line.side is side)
