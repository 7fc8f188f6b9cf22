"""What the use cases need."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from billing.domain.claiming import Claim
from billing.domain.dossier import Dossier
from billing.domain.granting import Grant
from billing.domain.plans import Pack, PlanName
from billing.domain.subscription import Subscription
from billing.domain.topping_up import Purchase
from contracts.billing import AutoTopUp, BillingChanged, Interval, PlansChanged, StripeEvent
from contracts.envelope import Cause, Delivery
from contracts.message import Fact, Message


class Subscriptions(Protocol):
    """The teams' plans."""

    async def add(self, subscriptions: Sequence[Subscription]) -> set[UUID]:
        """Store those of teams that have none yet; return these teams."""

    async def floor(self) -> int:
        """Tell after which version new documents begin: 0 unless a backup was lifted."""

    async def lock(self, team_id: UUID) -> Subscription | None:
        """Lock and load a team's subscription; None when there is none, or the team is closed."""

    async def lock_due(self, now: datetime, limit: int) -> list[Subscription]:
        """Lock and load those on Free whose month is over and who never paid; skip locked ones."""

    async def to_look_at(self, now: datetime, limit: int) -> list[UUID]:
        """Find teams that pay, or did, and whose plan or month may change by now."""

    async def page(self, after: UUID | None, limit: int) -> list[Subscription]:
        """Load those of the teams that follow an id, in the order of the ids."""

    async def save(self, subscriptions: Sequence[Subscription]) -> None:
        """Store what has changed in them."""

    async def look_again(self, team_id: UUID, due_at: datetime | None) -> None:
        """Note when time alone will change something."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who pays for a team: what Stripe calls it, and where its invoices go."""

    team_id: UUID
    name: str = ""
    email: str | None = None
    customer_id: str | None = None
    closed: bool = False


class Customers(Protocol):
    """Teams as Stripe knows them."""

    async def add(self, customers: Sequence[Customer]) -> None:
        """Note new teams; what is known of one stays."""

    async def find(self, team_id: UUID) -> Customer:
        """Find a team; one that was never heard of is an empty one."""

    async def closed(self, team_ids: Collection[UUID]) -> set[UUID]:
        """Tell which of these teams are closed."""

    async def by_customer(self, customer_id: str) -> Customer | None:
        """Find the team behind a customer."""

    async def bind(self, team_id: UUID, customer_id: str) -> None:
        """Note what Stripe calls a team."""

    async def close(self, team_id: UUID, now: datetime) -> None:
        """Forget name and address of a team for good, and that it was ever sold anything."""

    async def release(self, team_id: UUID) -> None:
        """Forget what Stripe calls a team."""

    async def closing(self, limit: int) -> list[Customer]:
        """Find closed teams that Stripe may still charge."""

    async def ticket(self) -> int:
        """Take the number of a look at Stripe, before it begins."""

    async def looked(self, team_id: UUID, ticket: int) -> bool:
        """Note a look; False when one that began later is noted already."""


class Books(Protocol):
    """Everything said about credits, once by its business key."""

    async def grant(self, team_id: UUID, grants: Sequence[Grant]) -> list[Grant]:
        """Note grants; return those that are new."""

    async def granted(self, team_id: UUID) -> list[tuple[str, str]]:
        """List a team's grants as (what paid for it, its `source_ref`)."""

    async def claim(self, claims: Sequence[Claim]) -> list[Claim]:
        """Note refunds and disputes; return those that are new."""


class Overviews(Protocol):
    """What a team was last shown of its payments."""

    async def find(self, team_id: UUID) -> BillingChanged | None:
        """Find what was said last."""

    async def save(self, overview: BillingChanged) -> None:
        """Keep what is said now."""

    async def page(self, after: UUID | None, limit: int) -> list[BillingChanged]:
        """Load those of the teams that follow an id."""


class TopUps(Protocol):
    """Packs that are bought by themselves."""

    async def wish(self, team_id: UUID) -> AutoTopUp:
        """Find what a team wants; without what it has spent."""

    async def wants(self, team_id: UUID, wish: AutoTopUp) -> None:
        """Keep what a team wants."""

    async def spent(self, team_id: UUID, since: datetime) -> int:
        """Tell for how much packs were bought, or are being bought, since then."""

    async def answered(self, team_id: UUID) -> int:
        """Tell the newest version of a team's account that a pack was bought for; 0 without any."""

    async def start(self, purchase: Purchase) -> bool:
        """Note a purchase; False when it is noted already, or another of the team is in flight."""

    async def end(self, purchase: Purchase) -> None:
        """Note how a purchase ended."""

    async def in_flight(self, team_id: UUID) -> Purchase | None:
        """Find the purchase of a team that has not ended."""

    async def stuck(self, before: datetime, limit: int) -> list[Purchase]:
        """Find purchases that were started before then and have not ended."""


EventState = Literal["waiting", "done", "ignored"]


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """An event of Stripe, and what became of it."""

    event: StripeEvent
    state: EventState
    detail: str = ""
    team_id: UUID | None = None


class Events(Protocol):
    """Every event of Stripe, once by its id."""

    async def add(self, event: StripeEvent) -> KnownEvent:
        """Note an event, unless it is known; returns what is known of it."""

    async def settle(self, event_id: str, state: EventState, detail: str, team_id: UUID | None) -> None:
        """Note what became of it."""

    async def waiting(self, before: datetime, limit: int) -> list[StripeEvent]:
        """Find events that came before then and of which nothing has become yet."""

    async def newest(self, state: EventState | None, limit: int) -> list[KnownEvent]:
        """List events, newest first."""


class Offers(Protocol):
    """What was last said to be on offer."""

    async def last(self) -> PlansChanged | None:
        """Find it, under lock."""

    async def save(self, offers: PlansChanged) -> None:
        """Keep what is said now."""


class Outbox(Protocol):
    """What is said once the transaction commits."""

    def add(self, message: Message, cause: Delivery[Any] | Cause | None = None) -> None:
        """Say the message, in answer to its cause."""

    def announce(self, fact: Fact) -> None:
        """Say a document once more, to those who repair what they keep of it."""


@dataclass(frozen=True, slots=True)
class Work:
    """One transaction on everything billing owns."""

    subscriptions: Subscriptions
    customers: Customers
    books: Books
    overviews: Overviews
    top_ups: TopUps
    events: Events
    offers: Offers
    outbox: Outbox


Transaction = Callable[[], AbstractAsyncContextManager[Work]]


class Declined(Exception):
    """The bank said no; the words are for the team."""


class NotSynced(Exception):
    """Stripe does not know our plans yet: `python -m billing sync-plans`."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of Stripe's that a person is sent to."""

    url: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Basket:
    """What a person wants to pay for on Stripe's page: a plan, or a pack."""

    request_id: UUID
    team_id: UUID
    customer_id: str
    success_url: str
    cancel_url: str
    plan: PlanName | None = None
    interval: Interval = "month"
    trial_days: int = 0
    pack: Pack | None = None


class Stripe(Protocol):
    """Stripe's API: every call is bounded in time, and never made within a transaction of ours.

    Each raises what the client raises when Stripe cannot be reached: then it is tried again later. What
    changes something there carries an id of ours, so that repeating it changes nothing more.
    """

    async def dossier(self, customer_id: str) -> Dossier:
        """Read everything about a customer."""

    async def customer_of(self, payment: str) -> str | None:
        """Find who made a payment (an intent or a charge)."""

    async def team_of(self, customer_id: str) -> UUID | None:
        """Find the team that a customer was made for."""

    async def open_customer(self, customer: Customer) -> str:
        """Make a customer for a team, once."""

    async def open_checkout(self, basket: Basket) -> Page:
        """Open a page to pay on; earlier ones for a plan are closed. Raises NotSynced."""

    async def open_portal(self, customer_id: str, return_url: str) -> Page:
        """Open the page where a team changes its plan and card."""

    async def buy(self, purchase: Purchase, customer_id: str) -> None:
        """Charge the saved card while nobody is there. Raises Declined."""

    async def end(self, customer_id: str) -> None:
        """Cancel everything and forget the customer."""

    def active_since(self, since: datetime) -> AsyncIterator[str]:
        """List the customers with paid invoices, payments, refunds, disputes or subscriptions since then."""


class Catalog(Protocol):
    """Our plans, as Stripe sells them."""

    async def sync(self) -> list[str]:
        """Make products, prices and the portal what our plans say; returns what was changed, in words."""


class Turns(Protocol):
    """Lets one of many processes do what only one should."""

    async def mine(self) -> bool:
        """Tell whether it is this process's turn, and take it when it is nobody's."""
