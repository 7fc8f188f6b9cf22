"""Jobs compared with accounts: nobody is charged for what they did not get."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from contracts.jobs import TERMINAL, Receipt


@dataclass(frozen=True, slots=True)
class JobBooks:
    """A job, and the lines of its team's history that name it: how many of each kind, and their sums."""

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

    @property
    def is_open(self) -> bool:
        """Tell whether credits are held for it, as the history has it."""
        return self.reserves > 0 and not self.deducts and not self.refunds

    @property
    def held(self) -> int:
        """How much is held for it."""
        return self.reserved if self.is_open else 0

    def findings(self) -> Iterator[str]:
        """Say what is wrong with it."""
        if self.status is None:
            yield "credits moved for a job that is not shown"
        if max(self.reserves, self.deducts, self.refunds) > 1:
            yield f"{self.reserves} reserves, {self.deducts} deducts and {self.refunds} refunds"
        if (self.deducts or self.refunds) and not self.reserves:
            yield "settled without a reserve"
        if self.status in TERMINAL:
            yield from self._ended()

    def _ended(self) -> Iterator[str]:
        if self.is_open:
            yield f"{self.status}, and {self.reserved} credits are still held"
        if self.receipt is None:
            yield f"{self.status} without a receipt"
            return
        if self.status in ("completed", "expired") and not self.deducts:
            yield f"{self.status} without a deduct"
        if self.status == "failed" and (self.deducts or (self.reserves and not self.refunds)):
            yield f"failed with {self.deducts} deducts and {self.refunds} refunds"
        yield from self._receipt(self.receipt)

    def _receipt(self, receipt: Receipt) -> Iterator[str]:
        if receipt.held != receipt.captured + receipt.released + receipt.uncollected:
            yield f"its receipt does not add up: {receipt.model_dump(exclude={'entry_ids', 'reason'})}"
        if receipt.uncollected:
            return  # charged late from what there was: the ledger's own audit covers it
        for said, found in (("captured", self.charged), ("released", self.refunded), ("held", self.reserved)):
            if getattr(receipt, said) != found:
                yield f"its receipt says {said} {getattr(receipt, said)}, the history {found}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be."""

    team_id: UUID
    job_id: UUID | None
    what: str
