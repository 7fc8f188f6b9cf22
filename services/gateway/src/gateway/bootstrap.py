import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from random import SystemRandom
from uuid import UUID

from fastapi import FastAPI

from chassis import migrate as chassis_migrate
from chassis.clock import utc_now
from chassis.database import Database
from chassis.health import Health
from chassis.service import Service, run
from chassis.settings import load
from gateway.adapters.inbound import bus, cli, schedule
from gateway.adapters.inbound.dashboard.site import Doorway, create_site
from gateway.adapters.inbound.deliverer import Deliverer, writing
from gateway.adapters.inbound.http.api import Api
from gateway.adapters.inbound.http.app import create_app
from gateway.adapters.inbound.http.limits import Streams
from gateway.adapters.outbound.cloudfront import CloudFront
from gateway.adapters.outbound.fetcher import GuardedFetcher
from gateway.adapters.outbound.jwks import JwksKeys
from gateway.adapters.outbound.links import SignedLinks
from gateway.adapters.outbound.passwords import Argon2Passwords
from gateway.adapters.outbound.postgres.callers import StoredCallers
from gateway.adapters.outbound.postgres.events import StoredEvents
from gateway.adapters.outbound.postgres.findings import numbers
from gateway.adapters.outbound.postgres.frames import StoredFrames
from gateway.adapters.outbound.postgres.images import StoredGallery
from gateway.adapters.outbound.postgres.listener import Listener
from gateway.adapters.outbound.postgres.lists import StoredLists
from gateway.adapters.outbound.postgres.news import NEWS, News
from gateway.adapters.outbound.postgres.payments import StoredPayments
from gateway.adapters.outbound.postgres.rates import StoredRates
from gateway.adapters.outbound.postgres.views import StoredViews
from gateway.adapters.outbound.postgres.work import transaction
from gateway.adapters.outbound.receivers import HttpReceivers
from gateway.adapters.outbound.s3 import S3
from gateway.adapters.outbound.smtp import SmtpPostman
from gateway.application import audit as use_case
from gateway.application.ask import Asking
from gateway.application.checking import StoredFinding
from gateway.application.deliver_webhooks import LEASES, Sending, deliver, take_due
from gateway.application.heal_holds import Remedy, heal_holds
from gateway.application.identity import Identity
from gateway.domain.letters import Letter
from gateway.domain.throttle import Throttle
from gateway.settings import DelivererSettings, OutwardSettings, ProjectorSettings, Settings

NAME = "gateway"


def build(settings: Settings) -> Service:
    """Wire the process that serves the API."""
    database = Database(settings.database_url, NAME, settings.database_pool)
    # Its database is all it needs to answer: what is asked while the broker is away waits in the outbox.
    health = Health(needed={NEWS})
    news = News(database, settings.database_url, health, settings.outbox_limit)
    opened = transaction(database)
    ports, rates = api(settings, database, news), StoredRates(database)

    def running() -> AbstractAsyncContextManager[object]:
        return news.running()

    return Service(
        name=NAME,
        settings=settings,
        database=database,
        schedules=[
            schedule.resending(opened, utc_now),
            schedule.tidying(opened, utc_now),
            schedule.delivering(opened, SmtpPostman(settings.smtp_url, settings.mail_from), utc_now),
            schedule.forgetting(opened, utc_now),
            schedule.sharing_rates(ports.limiter, rates.exchange),
            schedule.forgetting_rates(rates.forget, utc_now),
        ],
        app=app(ports),
        around=[running],
        drain=settings.drain_seconds,
        on_stop=[news.let_go],
        health=health,
    )


def app(ports: Api) -> FastAPI:
    """Put the API and the dashboard behind one door."""
    made = create_app(ports)
    made.add_middleware(Doorway, site=create_site(ports))
    return made


def api(settings: Settings, database: Database, news: News) -> Api:
    """Wire what the routes work with."""
    views, lists = StoredViews(database), StoredLists(database)
    return Api(
        asking=Asking(
            transaction(database),
            news,
            utc_now,
            news.backlogged,
            orders_live=timedelta(seconds=settings.orders_live),
        ),
        callers=StoredCallers(database, settings.require_verified_email),
        views=views,
        previews=views,
        frames=StoredFrames(database),
        lists=lists,
        usage=lists,
        events=StoredEvents(database),
        payments=StoredPayments(database),
        watch=news.watch,
        gallery=StoredGallery(database),
        fetcher=GuardedFetcher(settings.trusted_networks),
        links=_links(settings),
        receivers=HttpReceivers(settings.trusted_networks, settings.webhook_patience),
        signatures=JwksKeys(settings.fal_jwks_url),
        identity=identity(settings, database),
        streams=Streams(settings.streams_per_team),
        secure_cookies=settings.public_url.startswith("https:"),
        public_url=settings.public_url.rstrip("/"),
        stripe_secrets=settings.stripe_secrets,
    )


def _links(settings: OutwardSettings) -> SignedLinks:
    s3 = S3(
        settings.s3_public_endpoint,
        settings.s3_bucket,
        settings.aws_region,
        settings.aws_access_key_id,
        settings.aws_secret_access_key,
    )
    url, key_pair_id, key = (
        settings.cloudfront_url,
        settings.cloudfront_key_pair_id,
        settings.cloudfront_private_key,
    )
    nearer = CloudFront(url, key_pair_id, key.get_secret_value()) if url and key_pair_id and key else None
    return SignedLinks(nearer.sign if nearer else s3.sign, s3.upload, utc_now)


def identity(settings: Settings, database: Database) -> Identity:
    """Wire what the use cases about people work with."""
    return Identity(
        transaction=transaction(database),
        clock=utc_now,
        passwords=Argon2Passwords(),
        site=settings.public_url.rstrip("/"),
        sign_ups=Throttle("sign-up", settings.sign_ups_per_hour, timedelta(hours=1)),
        sign_ins=Throttle("password-address", settings.sign_ins_per_quarter, timedelta(minutes=15)),
    )


def build_deliverer(settings: DelivererSettings) -> Service:
    """Wire the process that sends webhooks to clients."""
    database = Database(settings.database_url, NAME, settings.database_pool)
    health = Health()
    receivers = HttpReceivers(settings.trusted_networks, settings.webhook_patience)
    sending = Sending(
        transaction=transaction(database),
        receivers=receivers,
        clock=utc_now,
        write=writing(_links(settings)),
        spread=SystemRandom().random,
        lease=timedelta(seconds=LEASES * settings.webhook_patience),
        site=settings.public_url.rstrip("/"),
    )
    deliverer = Deliverer(partial(take_due, sending=sending), partial(deliver, sending=sending))
    listener = Listener(settings.database_url, health, lambda _: deliverer.schedule.nudge())

    @asynccontextmanager
    async def sender() -> AsyncIterator[None]:
        listening = asyncio.create_task(listener.keep())
        try:
            async with deliverer.finishing():
                yield
        finally:
            listening.cancel()
            await asyncio.wait([listening])
            await receivers.close()

    return Service(
        name=f"{NAME}-deliverer",
        settings=settings,
        database=database,
        schedules=[deliverer.schedule],
        around=[sender],
        health=health,
    )


def build_projector(settings: ProjectorSettings) -> Service:
    """Wire the process that keeps the views."""
    database = Database(settings.database_url, NAME, settings.database_pool)
    opened, site = transaction(database), settings.public_url.rstrip("/")
    return Service(
        name=f"{NAME}-projector",
        settings=settings,
        database=database,
        consumers=[bus.projector(opened, utc_now, site), bus.repairer(opened)],
        schedules=[schedule.auditing(opened, utc_now, partial(numbers, database))],
    )


async def serve() -> None:
    """Serve the API until told to stop."""
    await run(build(load(Settings)))


async def send() -> None:
    """Send webhooks to clients until told to stop."""
    await run(build_deliverer(load(DelivererSettings)))


async def project() -> None:
    """Keep the views until told to stop."""
    await run(build_projector(load(ProjectorSettings)))


def migrate() -> None:
    """Bring the schema up to date and declare the topology."""
    chassis_migrate.migrate(load(ProjectorSettings), NAME)


@asynccontextmanager
async def connected() -> AsyncIterator[Database]:
    """Connect for an operator's command."""
    database = Database(load(ProjectorSettings).database_url, NAME, pool_size=1)
    try:
        yield database
    finally:
        await database.close()


async def audit(look: Callable[[cli.AuditOnce, cli.Heal], Awaitable[int]]) -> int:
    """Let an operator compare jobs with accounts."""
    async with connected() as database:
        opened = transaction(database)

        async def audit_once(grace: timedelta) -> use_case.Audit:
            return await use_case.audit(opened, utc_now, grace)

        async def heal(limit: int) -> list[Remedy]:
            return await heal_holds(opened, utc_now, limit)

        return await look(audit_once, heal)


async def letters() -> Sequence[Letter]:
    """List the letters that could not be delivered."""
    async with connected() as database, transaction(database)() as work:
        return await work.post.parked()


async def decide_letters(ids: Sequence[UUID], *, again: bool) -> int:
    """Try parked letters anew, or drop them; tells how many there were."""
    async with connected() as database, transaction(database)() as work:
        return await (work.post.unpark(ids, utc_now()) if again else work.post.drop(ids))


async def findings() -> list[StoredFinding]:
    """List what the audits found and what lasts."""
    async with connected() as database, transaction(database)() as work:
        return await work.findings.standing()
