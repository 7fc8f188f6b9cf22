"""The books of some teams, open for one batch: what is known before it, and what it adds or changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from contracts.credits import CreditsSettled, DeclineCode, Outcome
from contracts.orders import KeyTerms, Operation
from credits.domain.account import Account
from credits.domain.bucket import Part
from credits.domain.limits import Limits
from credits.domain.quote import Quote

ClaimState = Literal["refunded", "failed", "opened", "won", "lost"]
HoldStatus = Literal["held", "captured", "released", "expired", "late_captured", "uncollected"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ConflictingContent(Exception):
    """The same id came again with other content: nothing is applied, a person must look."""


class KeyWindow(NamedTuple):
    """An API key's budget window: since when its spending counts."""

    key_id: UUID
    start: datetime

    @classmethod
    def of(cls, terms: KeyTerms) -> "KeyWindow":
        """Find the window an order is counted in; one without a start counts for ever."""
        return cls(terms.id, terms.window_start or _EPOCH)


@dataclass(frozen=True, slots=True)
class Request:
    """A decided request: `code` says why it was declined, None that its credits are held.

    `asked_by` is the id of the message that was answered, so that only a new asking is answered again.
    """

    id: UUID
    team_id: UUID
    fingerprint: bytes
    code: DeclineCode | None
    required: int
    spendable: int
    asked_by: UUID
    decided_at: datetime


@dataclass(slots=True)
class Hold:
    """Credits set aside for one job, and how that ended; decided once, and replayed ever after.

    A release that came before its hold is kept as a hold of nothing, without request and operation.
    """

    id: UUID
    team_id: UUID
    created_at: datetime
    request_id: UUID | None = None
    operation: Operation | None = None
    quantity: int = 0
    unit_price: int = 0
    price_version: int = 0
    expires_at: datetime | None = None
    key: KeyWindow | None = None
    status: HoldStatus = "held"
    captured: int = 0
    released: int = 0
    uncollected: int = 0
    refunded: int = 0
    reason: str = ""
    entry_ids: tuple[UUID, ...] = ()
    settled_by: UUID | None = None
    settled_at: datetime | None = None
    parts: tuple[Part, ...] = ()

    @property
    def amount(self) -> int:
        """The credits that were set aside."""
        return self.quantity * self.unit_price

    @property
    def is_tombstone(self) -> bool:
        """Whether it was released before it was asked for."""
        return self.request_id is None

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, or None while it is held."""
        return None if self.status == "held" else self.status

    def settled(self) -> CreditsSettled:
        """Say how it ended; only for a hold that has."""
        if self.outcome is None:
            raise ValueError(f"hold {self.id} is not settled")
        return CreditsSettled(
            job_id=self.id,
            team_id=self.team_id,
            outcome=self.outcome,
            held=self.amount,
            captured=self.captured,
            released=self.released,
            uncollected=self.uncollected,
            entry_ids=self.entry_ids,
        )


@dataclass(frozen=True, slots=True)
class Grant:
    """A source of credits that has been booked, once per `source_ref`."""

    source_ref: str
    team_id: UUID
    fingerprint: bytes
    superseded: bool
    granted_at: datetime


@dataclass(slots=True)
class Claim:
    """A payment that goes back: refunded (or the refund failed), or disputed; once per `source_ref`.

    `demanded` are the credits it took back, None as long as it takes none or their grant is not known yet.
    """

    source_ref: str
    team_id: UUID
    grant_ref: str
    share: Decimal
    state: ClaimState
    heard_at: datetime
    demanded: int | None = None


@dataclass(slots=True)
class Books:
    """Accounts under lock with everything a batch needs to know, and everything it writes down.

    `held` are new holds and tombstones, `settled` holds that ended in this batch, `key_spend` what each API
    key has spent or set aside in its window. `claims` are those of the named references and of the named
    grants.
    """

    accounts: Mapping[UUID, Account]
    requests: dict[UUID, Request] = field(default_factory=dict)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    quotes: dict[UUID, Quote] = field(default_factory=dict)
    key_spend: dict[KeyWindow, int] = field(default_factory=dict)
    decided: list[Request] = field(default_factory=list)
    held: list[Hold] = field(default_factory=list)
    settled: dict[UUID, Hold] = field(default_factory=dict)
    granted: list[Grant] = field(default_factory=list)
    claimed: dict[str, Claim] = field(default_factory=dict)
    refunded: dict[UUID, Hold] = field(default_factory=dict)
    offered: list[Quote] = field(default_factory=list)
    used: list[Quote] = field(default_factory=list)
    key_changes: dict[KeyWindow, int] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    @property
    def have_changed(self) -> bool:
        """Whether there is anything to write down."""
        # A bucket that was spent to its last credit is closed without a posting.
        touched = any(account.postings or account.touched for account in self.accounts.values())
        noted = self.decided or self.held or self.settled or self.granted or self.offered or self.claimed
        return bool(touched or noted)

    def decide(self, request: Request) -> None:
        """Write a verdict down."""
        self.requests[request.id] = request
        self.decided.append(request)

    def hold(self, hold: Hold) -> None:
        """Write a new hold down."""
        self.holds[hold.id] = hold
        self.held.append(hold)
        self.count(hold.key, hold.amount)

    def settle(self, hold: Hold) -> None:
        """Write down how a hold ended."""
        self.settled[hold.id] = hold

    def grant(self, grant: Grant) -> None:
        """Write a source of credits down."""
        self.grants[grant.source_ref] = grant
        self.granted.append(grant)

    def offer(self, quote: Quote) -> None:
        """Write a new quote down."""
        self.quotes[quote.id] = quote
        self.offered.append(quote)

    def use(self, quote: Quote, request_id: UUID) -> None:
        """Write down which request took a quote."""
        quote.used_by = request_id
        self.used.append(quote)

    def claim(self, claim: Claim) -> None:
        """Write down how a payment's going back stands."""
        self.claims[claim.source_ref] = claim
        self.claimed[claim.source_ref] = claim

    def refund(self, hold: Hold) -> None:
        """Write down that a captured hold was given back."""
        self.refunded[hold.id] = hold

    def count(self, key: KeyWindow | None, amount: int) -> None:
        """Count what an API key spends (or gets back)."""
        if key is not None and amount:
            self.key_spend[key] = self.key_spend.get(key, 0) + amount
            self.key_changes[key] = self.key_changes.get(key, 0) + amount
