"""What an audit finds is mended by new transactions, and only where the team cannot lose by it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from credits.domain.account import Account
from credits.domain.bucket import Part
from credits.domain.ledger import About

Kind = Literal["charged", "reserved"]
_REASONS = {
    "charged": "repair: charged more than was captured",
    "reserved": "repair: set aside for no open hold",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """The ledger says `booked` credits of a job (charged) or of a bucket (reserved), the holds say `due`."""

    kind: Kind
    team_id: UUID
    subject: UUID
    booked: int
    due: int

    @property
    def excess(self) -> int:
        """The credits that are booked too many."""
        return self.booked - self.due

    @property
    def is_repairable(self) -> bool:
        """Whether credits go back to the team; to take some, a person must decide."""
        return self.excess > 0

    def __str__(self) -> str:
        about = "job" if self.kind == "charged" else "bucket"
        cure = f"give {self.excess} back" if self.is_repairable else "a person must look"
        what = f"{self.kind} {self.booked}, the holds say {self.due}: {cure}"
        return f"team {self.team_id}, {about} {self.subject}: {what}"


def repair(account: Account, drift: Drift, now: datetime, by: str | None) -> None:
    """Give back what is booked too many; the key names the books it was found in, so that it is done once."""
    key = f"repair:{drift.kind}:{drift.subject}:{account.version}"
    if drift.kind == "charged":
        about = About(job_id=drift.subject, reason=_REASONS[drift.kind], by=by, key=key)
        account.give_again((), drift.excess, about, now)
    else:
        about = About(reason=_REASONS[drift.kind], by=by, key=key)
        account.give_back([Part(drift.subject, drift.excess)], about, now)
