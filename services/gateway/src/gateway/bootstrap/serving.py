"""The process that serves the API and the dashboard."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from uuid import UUID

from fastapi import FastAPI

from chassis.clock import utc_now
from chassis.commands import forever
from chassis.database import Database
from chassis.gathering import Gathering
from chassis.health import Health
from chassis.service import Service, run
from chassis.settings import load
from gateway.adapters.inbound import schedule
from gateway.adapters.inbound.dashboard.site import Doorway, create_site
from gateway.adapters.inbound.http.api import Api
from gateway.adapters.inbound.http.app import create_app
from gateway.adapters.inbound.http.limits import Streams
from gateway.adapters.outbound.fetcher import GuardedFetcher
from gateway.adapters.outbound.jwks import JwksKeys
from gateway.adapters.outbound.passwords import Argon2Passwords
from gateway.adapters.outbound.postgres.at_once import WrittenAtOnce
from gateway.adapters.outbound.postgres.callers import StoredCallers
from gateway.adapters.outbound.postgres.events import StoredEvents
from gateway.adapters.outbound.postgres.frames import StoredFrames
from gateway.adapters.outbound.postgres.images import StoredGallery
from gateway.adapters.outbound.postgres.lists import StoredLists
from gateway.adapters.outbound.postgres.news import NEWS, News
from gateway.adapters.outbound.postgres.payments import StoredPayments
from gateway.adapters.outbound.postgres.rates import StoredRates
from gateway.adapters.outbound.postgres.views import StoredViews
from gateway.adapters.outbound.postgres.work import transaction
from gateway.adapters.outbound.receivers import HttpReceivers
from gateway.adapters.outbound.smtp import SmtpPostman
from gateway.application.ask import Asking
from gateway.application.identity import Identity
from gateway.application.reading import Found, JobView
from gateway.bootstrap import NAME
from gateway.bootstrap.links import signed_links
from gateway.domain.permissions import Caller
from gateway.domain.throttle import Throttle
from gateway.settings import Settings


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
    """Put the API and the dashboard behind one door; both work with the ports in its state."""
    made, site = create_app(ports), create_site(ports)
    site.state = made.state
    made.add_middleware(Doorway, site=site)
    return made


def api(settings: Settings, database: Database, news: News) -> Api:
    """Wire what the routes work with."""
    views, lists = StoredViews(database), StoredLists(database)
    callers = StoredCallers(database, settings.require_verified_email)
    jobs = Gathering[tuple[bytes, str], tuple[Caller, JobView] | None](
        lambda asked: callers.jobs_by_keys(asked, utc_now())
    )
    sources = Gathering[tuple[bytes, UUID | None, UUID | None], tuple[Caller, Found] | None](
        lambda asked: callers.sources_by_keys(asked, utc_now())
    )
    return Api(
        asking=Asking(
            transaction(database),
            WrittenAtOnce(database),
            news,
            utc_now,
            news.backlogged,
            orders_live=timedelta(seconds=settings.orders_live),
        ),
        callers=callers,
        jobs_by_key=jobs.ask,
        sources_by_key=sources.ask,
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
        links=signed_links(settings),
        receivers=HttpReceivers(settings.trusted_networks, settings.webhook_patience),
        signatures=JwksKeys(settings.fal_jwks_url),
        identity=identity(settings, database),
        streams=Streams(settings.streams_per_team),
        secure_cookies=settings.public_url.startswith("https:"),
        public_url=settings.public_url.rstrip("/"),
        stripe_secrets=settings.stripe_secrets,
    )


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


def main() -> None:
    """Serve the API until told to stop."""
    forever(run(build(load(Settings))))
