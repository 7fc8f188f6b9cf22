"""Jobs and accounts compared with the history of credits: nobody is charged for what they did not get."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from contracts.credits import CaptureCredits, Forgotten, ReleaseCredits
from contracts.jobs import TERMINAL, Receipt
from contracts.orders import Operation

UNDER_WAY = ("queued", "processing", "cancelling")


class FindingKind(StrEnum):
    """What can be wrong."""

    OPEN_HOLD = "open_hold"
    NOT_CAPTURED = "not_captured"
    CAPTURED_IN_VAIN = "captured_in_vain"
    NO_HOLD = "no_hold"
    NO_RECEIPT = "no_receipt"
    RECEIPT = "receipt"
    LINES = "lines"
    NOT_SHOWN = "not_shown"
    RESERVED = "reserved"
    HISTORY = "history"


LONG_IN_FLIGHT = {FindingKind.NO_HOLD: timedelta(minutes=15)}
"""What may last, while a service is down, without being wrong: jobs hears of its settlement later."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be."""

    kind: FindingKind
    team_id: UUID
    job_id: UUID | None
    what: str

    @property
    def subject(self) -> UUID:
        """The job, or the team whose account it is; with the kind it tells one finding from another."""
        return self.job_id or self.team_id

    def grace(self, usual: timedelta) -> timedelta:
        """Tell how long it may last before it counts."""
        return max(usual, LONG_IN_FLIGHT.get(self.kind, usual))


@dataclass(frozen=True, slots=True)
class JobBooks:
    """A job, and the lines of its team's history that name it: how many of each kind, and their sums.

    What was charged and given back by hand afterwards is not among them: the receipt stays what it was.
    """

    job_id: UUID
    team_id: UUID
    status: str | None
    receipt: Receipt | None
    reserves: int
    reserved: int
    deducts: int
    charged: int
    refunds: int
    refunded: int
    operation: str | None = None

    @property
    def is_forgotten(self) -> bool:
        """Tell whether no line names it: credits was restored from before it."""
        return not (self.reserves or self.deducts or self.refunds)

    @property
    def is_open(self) -> bool:
        """Tell whether credits are held for it, as the history has it."""
        return self.reserved > 0 and not self.deducts and not self.refunds

    @property
    def is_free(self) -> bool:
        """Tell whether it costs nothing, so that no credits move for it."""
        return self.reserves > 0 and not self.reserved

    @property
    def is_late(self) -> bool:
        """Tell whether it was charged after its hold had been given back whole."""
        return self.deducts > 0 and self.refunded >= self.reserved

    def findings(self) -> Iterator[Finding]:
        """Say what is wrong with it, each kind of thing once."""
        if self.status is None:
            yield self._found(FindingKind.NOT_SHOWN, "credits moved for a job that is not shown")
        if lines := self._lines():
            yield self._found(FindingKind.LINES, lines)
        if self.status in UNDER_WAY and not self.is_open and not self.is_free:
            yield self._found(FindingKind.NO_HOLD, f"{self.status}, and nothing is held for it")
        if self.status in TERMINAL:
            yield from self._ended()

    def _lines(self) -> str:
        if max(self.reserves, self.deducts, self.refunds) > 1:
            return f"{self.reserves} reserves, {self.deducts} deducts and {self.refunds} refunds"
        if (self.deducts or self.refunds) and not self.reserves:
            return "settled without a reserve"
        return ""

    def _ended(self) -> Iterator[Finding]:
        if self.is_open:
            what = f"{self.status}, and {self.reserved} credits are still held"
            yield self._found(FindingKind.OPEN_HOLD, what)
        elif self.status in ("completed", "expired") and not self.deducts and not self.is_free:
            yield self._found(FindingKind.NOT_CAPTURED, f"{self.status} without a deduct")
        elif self.status == "failed" and (self.deducts or (self.reserved and not self.refunds)):
            what = f"failed with {self.deducts} deducts and {self.refunds} refunds"
            yield self._found(FindingKind.CAPTURED_IN_VAIN, what)
        if self.receipt is None:
            yield self._found(FindingKind.NO_RECEIPT, f"{self.status} without a receipt")
        elif wrong := "; ".join(self._receipt(self.receipt)):
            yield self._found(FindingKind.RECEIPT, wrong)

    def _receipt(self, receipt: Receipt) -> Iterator[str]:
        if receipt.held != receipt.captured + receipt.released + receipt.uncollected:
            yield f"its receipt does not add up: {receipt.model_dump(exclude={'entry_ids', 'reason'})}"
        if receipt.uncollected or self.is_open:
            return  # charged late from what there was: the ledger's own audit covers it
        if self.is_forgotten and not receipt.captured:
            return  # held and given back: whoever forgets both owes nobody anything
        found = {"captured": self.charged, "held": self.reserved}
        if not self.is_late:
            found["released"] = self.refunded
        for name, amount in found.items():
            if getattr(receipt, name) != amount:
                yield f"its receipt says {name} {getattr(receipt, name)}, the history {amount}"

    def _found(self, kind: FindingKind, what: str) -> Finding:
        return Finding(kind, self.team_id, self.job_id, what)

    def remedy(self) -> CaptureCredits | ReleaseCredits | None:
        """Ask for what its receipt says, when it has ended and its hold is open or forgotten; else None.

        Credits decides a hold once, so a remedy that comes too late changes nothing.
        """
        if self.status not in TERMINAL or self.receipt is None:
            return None
        if self.is_forgotten:
            return self._recall(self.receipt)
        if not self.is_open:
            return None
        if units := self.receipt.units:
            return CaptureCredits(job_id=self.job_id, team_id=self.team_id, quantity=units)
        return ReleaseCredits(job_id=self.job_id, team_id=self.team_id, reason=f"audit: {self.status}")

    def _recall(self, receipt: Receipt) -> CaptureCredits | None:
        if not receipt.units or not receipt.unit_price or self.operation is None:
            return None
        held = Forgotten(
            operation=Operation(self.operation),
            quantity=receipt.held // receipt.unit_price,
            unit_price=receipt.unit_price,
        )
        return CaptureCredits(job_id=self.job_id, team_id=self.team_id, quantity=receipt.units, held=held)


@dataclass(frozen=True, slots=True)
class AccountBooks:
    """An account as it is shown, and what the lines of its history add up to in that version.

    `breaks` counts the lines whose balance is not the sum of all lines up to them.
    """

    team_id: UUID
    version: int
    spendable: int
    reserved: int
    spendable_by_lines: int
    reserved_by_lines: int
    breaks: int

    def findings(self) -> Iterator[Finding]:
        """Say what is wrong with it, each kind of thing once."""
        if self.reserved != self.reserved_by_lines:
            what = f"{self.reserved} credits are reserved, {self.reserved_by_lines} are held by open jobs"
            yield Finding(FindingKind.RESERVED, self.team_id, None, what)
        if self.spendable != self.spendable_by_lines:
            what = f"{self.spendable} credits can be spent, its history adds up to {self.spendable_by_lines}"
            yield Finding(FindingKind.HISTORY, self.team_id, None, what)
        elif self.breaks:
            what = f"{self.breaks} lines of its history show another balance than the lines before add up to"
            yield Finding(FindingKind.HISTORY, self.team_id, None, what)
