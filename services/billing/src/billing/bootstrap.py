from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from billing.adapters.inbound import bus, schedule
from billing.adapters.inbound.cli import NotConfigured
from billing.adapters.outbound import lifts
from billing.adapters.outbound.postgres.work import transaction
from billing.adapters.outbound.stripe.account import StripeAccount
from billing.adapters.outbound.stripe.catalog import StripeCatalog
from billing.adapters.outbound.stripe.client import connect, connected
from billing.application import list_events, set_limits, show_team
from billing.application import reconcile as reconciling
from billing.application.announce_plans import announce_overviews, announce_plans
from billing.application.ports import EventState, KnownEvent, Stripe, Transaction
from billing.application.publish_offers import publish_offers
from billing.settings import Settings
from chassis import announcing, lifting
from chassis import migrate as chassis_migrate
from chassis.clock import Clock, utc_now
from chassis.database import Database
from chassis.service import Service, run
from chassis.settings import load
from chassis.turns import PostgresTurns
from contracts.billing import Limits

NAME = "billing"
Around = Callable[[], AbstractAsyncContextManager[object]]


def build(settings: Settings, clock: Clock = utc_now) -> Service:
    """Wire billing."""
    database = Database(settings.database_url, NAME, settings.database_pool)
    opened = transaction(database)
    stripe, close = account(settings)
    turns = PostgresTurns(database, "billing schedules")
    return Service(
        name=NAME,
        settings=settings,
        database=database,
        consumers=bus.consumers(opened, stripe, clock),
        schedules=schedule.schedules(opened, stripe, turns, clock),
        around=[turns.held, close],
    )


def account(settings: Settings) -> tuple[StripeAccount | None, Around]:
    """Connect to Stripe when it is configured; the second is to be opened around its use."""
    if not settings.stripe_secret_key:
        return None, nullcontext
    client, closing = connect(settings.stripe_secret_key, settings.stripe_api_base)
    return StripeAccount(client), closing


async def serve() -> None:
    """Run billing until it is told to stop."""
    await run(build(load(Settings)))


def migrate() -> None:
    """Bring the schema up to date and declare the topology."""
    chassis_migrate.migrate(load(Settings), NAME)


@dataclass(frozen=True, slots=True)
class Desk:
    """What an operator's command works with."""

    transaction: Transaction
    account: StripeAccount | None

    @property
    def stripe(self) -> Stripe:
        """Stripe. Raises NotConfigured."""
        if self.account is None:
            raise NotConfigured
        return self.account


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """Sit down for one command; the relay of a serving process says what comes of it."""
    settings = load(Settings)
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url, NAME, pool_size=1)
        stack.push_async_callback(database.close)
        stripe, closing = account(settings)
        await stack.enter_async_context(closing())
        yield Desk(transaction(database), stripe)


async def lift(wish: lifting.Wish) -> lifting.Lifted:
    """Raise what was restored above what others have seen."""
    database = Database(load(Settings).database_url, NAME, pool_size=1)
    try:
        return await lifting.lift(database, lifts.PARTS, wish, utc_now)
    finally:
        await database.close()


async def announce(rate: float) -> int:
    """Say every plan, what every team was last shown of its payments, and what is on offer, once more."""
    async with desk() as at:
        await publish_offers(at.transaction, again=True)
        parts = [partial(say, transaction=at.transaction) for say in (announce_plans, announce_overviews)]
        return 1 + await announcing.announce(parts, rate)


async def limit(team_id: UUID, changes: dict[str, int]) -> Limits:
    """Set a team's limits."""
    async with desk() as at:
        return await set_limits.set_limits(team_id, changes, at.transaction)


async def sync_plans() -> list[str]:
    """Make Stripe sell what our plans say."""
    settings = load(Settings)
    if not settings.stripe_secret_key:
        raise NotConfigured
    async with connected(settings.stripe_secret_key, settings.stripe_api_base) as client:
        return await StripeCatalog(client).sync()


async def reconcile(days: int) -> reconciling.Report:
    """Compare with Stripe, and heal."""
    async with desk() as at:
        return await reconciling.reconcile(at.stripe, at.transaction, utc_now, timedelta(days=days))


async def events(state: EventState | None, limit: int) -> list[KnownEvent]:
    """List Stripe's events."""
    async with desk() as at:
        return await list_events.list_events(state, limit, at.transaction)


async def show(team_id: UUID) -> show_team.Shown:
    """Show what is known of a team."""
    async with desk() as at:
        return await show_team.show_team(team_id, at.transaction)
