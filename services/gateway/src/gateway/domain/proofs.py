"""Links in letters: who follows one has read the letter, so the address is theirs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class Purpose(StrEnum):
    """What following the link does."""

    VERIFY = "verify"
    RESET = "reset"


LASTS = {Purpose.VERIFY: timedelta(days=3), Purpose.RESET: timedelta(hours=1)}


class ProofInvalid(Exception):
    """The link is wrong, too old, or was used already."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody can read what is sent to `email`; good once, until `expires_at`."""

    purpose: Purpose
    user_id: UUID
    email: str
    expires_at: datetime
