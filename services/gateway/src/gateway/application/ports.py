"""What the use cases need from outside, each named for what they do with it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from contracts.catalog import PreviewPublished
from contracts.credits import AccountChanged, CreditsQuoted, Hold, LowBalance, PricingChanged
from contracts.gateway import WebhookEndpointDisabled
from contracts.jobs import ImagesExpiring
from contracts.message import Document, Message
from gateway.application.checking import Books, Findings, Restored
from gateway.application.gallery import Images
from gateway.application.peopling import Activity, Invitations, Post, Proofs, Sessions, Teams, Users
from gateway.application.reading import Views
from gateway.application.sending import Deliveries, Endpoints
from gateway.domain.callback import SignedCall
from gateway.domain.permissions import Caller
from gateway.domain.requests import Request, Verdict


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that may act for its team; `secret_hash` is all that is kept of its secret."""

    id: UUID
    team_id: UUID
    user_id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...]
    credit_budget: int | None
    budget_period: Literal["total", "month"]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


class Keys(Protocol):
    """API keys."""

    async def add(self, key: ApiKey, secret_hash: bytes) -> None:
        """Add a key."""

    async def of_team(self, team_id: UUID) -> list[ApiKey]:
        """List the keys that work, newest first."""

    async def revoke(self, team_id: UUID, key_id: UUID, now: datetime) -> bool:
        """End a key; tells whether the team had it."""

    async def revoke_of(self, team_id: UUID, user_id: UUID, now: datetime) -> None:
        """End the keys that a member made."""


class Requests(Protocol):
    """What clients asked for."""

    async def earlier(self, request: Request) -> Request | None:
        """Find the request that this one repeats. Raises KeyReused."""

    async def open(self, request: Request, message: Message | None = None) -> Request | None:
        """Note a new request, or return the one it repeats. Raises KeyReused."""

    async def settle(self, verdicts: Mapping[UUID, Verdict]) -> list[Request]:
        """Store verdicts; returns the requests that had none before."""

    async def awaited(self, kinds: Collection[str], subjects: Collection[UUID]) -> list[Request]:
        """Find the requests of these kinds about these subjects that have no verdict."""

    async def unanswered(
        self, sent_before: datetime, now: datetime, limit: int
    ) -> list[tuple[UUID, Message]]:
        """Take requests without a verdict that were last sent before then, and note them as sent now."""

    async def forget(self, before: datetime) -> None:
        """Drop requests made before then; only those that hold slots or credits wait for their verdict."""


class Slots(Protocol):
    """How many jobs each team has open."""

    async def prepare(self, team_id: UUID, allowed: int) -> None:
        """Start counting for a new team."""

    async def take(self, team_id: UUID, job_ids: Sequence[UUID]) -> None:
        """Take a slot for each job. Raises QueueFull."""

    async def give_back(self, job_ids: Collection[UUID]) -> None:
        """Give the slots of jobs back that still have one."""

    async def allow(self, allowed: Mapping[UUID, int]) -> None:
        """Set how many slots teams have."""


class Documents(Protocol):
    """The views, as they are written."""

    async def withdraw(self, job_ids: Collection[UUID], model_ids: Collection[UUID]) -> None:
        """Take documents of version 0 back."""

    async def put(self, documents: Sequence[Document], *, announced: bool = False) -> list[Document]:
        """Keep what is newer than what is shown, or was only announced, each subject once; returns it."""

    async def hold(self, holds: Sequence[Hold]) -> None:
        """Show what jobs cost, and those of version 0 as queued."""

    async def record(self, accounts: Sequence[AccountChanged]) -> None:
        """Keep the history lines of accounts, each once."""

    async def quote(self, quotes: Sequence[CreditsQuoted]) -> None:
        """Keep the offers that requests wait for."""

    async def price(self, lists: Sequence[PricingChanged]) -> None:
        """Keep price lists, each version once."""

    async def forget_pictures(self, before: datetime) -> None:
        """Drop the pictures of before then that no reference model shows any more."""

    async def picture(self, previews: Sequence[PreviewPublished]) -> None:
        """Keep the pictures of reference models."""


Notice = LowBalance | ImagesExpiring | WebhookEndpointDisabled
"""A public fact that is no document: it has no versions, and its time tells it from others."""


class EventLog(Protocol):
    """Everything public that happened, in one order."""

    async def append(
        self, facts: Sequence[Document | Notice], now: datetime, granted: Collection[UUID] | None = None
    ) -> Sequence[Document | Notice]:
        """Append documents and notices, each once, and wake whoever waits for news; returns what is new.

        `granted` are the requests that were, if no other was settled; None when nobody can tell.
        """

    async def prune(self, before: datetime) -> None:
        """Drop what happened before then."""


class Throttles(Protocol):
    """Counters of attempts."""

    async def hit(self, key: str, window_start: datetime) -> int:
        """Count one attempt and return how many there were in this window."""

    async def clear(self, key: str) -> None:
        """Forget a counter."""

    async def prune(self, before: datetime) -> None:
        """Forget counters of windows that started before then."""


class Outbox(Protocol):
    """What this transaction says."""

    def say(self, message: Message, correlation_id: UUID) -> None:
        """Say a message once the transaction has committed."""


@dataclass(frozen=True, slots=True)
class Work:
    """Everything a use case can touch within its transaction."""

    users: Users
    teams: Teams
    sessions: Sessions
    invitations: Invitations
    proofs: Proofs
    activity: Activity
    post: Post
    keys: Keys
    requests: Requests
    slots: Slots
    documents: Documents
    images: Images
    views: Views
    log: EventLog
    throttles: Throttles
    books: Books
    findings: Findings
    restored: Restored
    endpoints: Endpoints
    deliveries: Deliveries
    outbox: Outbox


Transaction = Callable[[], AbstractAsyncContextManager[Work]]


Awaited = Callable[[float], Awaitable[Verdict | None]]
"""Waits so many seconds for the verdict that is expected; None when there is none in time."""


class Verdicts(Protocol):
    """How requests end."""

    def expect(self, request_id: UUID) -> AbstractContextManager[Awaited]:
        """Listen for the verdict of a request that is about to be made."""

    async def wait(self, request_id: UUID, seconds: float) -> Verdict | None:
        """Wait for the verdict of a request made before; None when there is none in time."""


@dataclass(eq=False, slots=True)
class Watch:
    """What a reader of a team's news waits for: `changed` is set by news, `over` once there is no more.

    `people` says that there may be news of who is in the team; whoever tells of it takes it back.
    """

    changed: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False
    people: bool = True


class Callers(Protocol):
    """Who is behind a credential."""

    async def by_session(self, token_hash: bytes, now: datetime) -> Caller | None:
        """Find who has this session."""

    async def by_key(self, secret_hash: bytes, now: datetime) -> Caller | None:
        """Find for whom this API key acts, and note that it was used."""


class Passwords(Protocol):
    """A slow hash, a few at a time."""

    async def hash(self, password: str) -> str:
        """Hash a new password."""

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Check a password; takes as long when there is none to compare with."""


class SignatureKeys(Protocol):
    """The provider's public keys."""

    async def verify(self, call: SignedCall) -> None:
        """Raise InvalidSignature unless one of them signed the call, KeysUnavailable without any."""


class KeysUnavailable(Exception):
    """The provider's keys cannot be fetched now."""


@dataclass(frozen=True, slots=True)
class UploadLink:
    """Where and how one object may be put, until `expires_at`."""

    url: str
    headers: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Fetched:
    """An image as its address gave it."""

    content_type: str
    data: bytes


class CannotFetch(Exception):
    """An address gives no image that can be taken; `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class StoreUnavailable(Exception):
    """The bucket does not take what is to be put."""


class Fetcher(Protocol):
    """Takes images from addresses that clients name."""

    async def fetch(self, url: str) -> Fetched:
        """Fetch an image from a public address. Raises CannotFetch."""

    async def put(self, link: UploadLink, image: Fetched) -> None:
        """Put an image where the link leads. Raises StoreUnavailable."""


class Links(Protocol):
    """Signed links to the private bucket."""

    def read(self, key: str) -> str:
        """Sign a link that shows an object that is there for good."""

    def lend(self, key: str, until: datetime | None, name: str | None = None) -> str | None:
        """Sign a link that shows an object at most until then, or saves it as `name`; None when over."""

    def upload(self, key: str, content_type: str, size: int) -> UploadLink:
        """Sign a link that takes one object of just this type and size."""
