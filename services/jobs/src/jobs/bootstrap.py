import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from uuid import UUID

from chassis import announcing, lifting
from chassis.clock import Clock, utc_now
from chassis.database import Database
from chassis.lifting import Lifted, Wish
from chassis.service import Service
from chassis.settings import load
from chassis.telemetry import continued
from chassis.together import Together
from jobs.adapters.inbound import cli
from jobs.adapters.inbound.bus import PAUSE, consumers
from jobs.adapters.inbound.schedule import Rhythm, schedules
from jobs.adapters.inbound.workers import Pace, Workers
from jobs.adapters.outbound.callbacks import SignedCallbacks
from jobs.adapters.outbound.fal import Fal
from jobs.adapters.outbound.images import PillowImages
from jobs.adapters.outbound.lifts import PARTS
from jobs.adapters.outbound.media import Media
from jobs.adapters.outbound.postgres import transaction
from jobs.adapters.outbound.s3 import S3
from jobs.application.announce_jobs import announce_exports, announce_jobs
from jobs.application.poll_attempts import cancel_call
from jobs.application.store_results import record_stored, store_results
from jobs.application.submit_call import record_calls, submit_call
from jobs.application.tools import Tools
from jobs.settings import Settings

LAST_CALLS = 12.0
"""Seconds that calls under way get when the process stops."""


def build(settings: Settings) -> Service:
    """Put the service together."""
    clock = _clock(settings)
    database = Database(settings.database_url, "jobs", settings.database_pool)
    begin = transaction(database)
    media = Media(settings.trusted_networks)
    rules = settings.rules()
    fal = Fal(
        settings.fal_key.get_secret_value(),
        settings.fal_queue_run_host,
        media.download,
        # An answer that takes longer than this is in doubt, well before its grace ends.
        submit_timeout=min(settings.submit_timeout, rules.images.grace.total_seconds() / 2),
    )
    storage, images = _storage(settings, media), PillowImages()
    tools = Tools(
        provider=fal,
        storage=storage,
        images=images,
        callbacks=SignedCallbacks(settings.public_url, settings.callback_key.get_secret_value()),
        rules=rules,
        clock=clock,
        trace=continued,
        turn=Pace(settings.polls_per_second).turn,
    )
    workers = Workers(
        partial(
            submit_call,
            tools=tools,
            record=Together(partial(record_calls, transaction=begin, tools=tools), pause=PAUSE),
        ),
        partial(store_results, transaction=begin, tools=tools),
        Together(partial(record_stored, transaction=begin, tools=tools), pause=PAUSE),
        partial(cancel_call, tools=tools),
        submit_limit=settings.submit_concurrency,
        store_limit=settings.store_concurrency,
        export_limit=settings.export_concurrency,
    )

    @asynccontextmanager
    async def outside() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await fal.close()
            await storage.close()
            images.close()
            await media.close()

    return Service(
        name="jobs",
        settings=settings,
        database=database,
        consumers=consumers(begin, tools, workers, clock, rules),
        schedules=schedules(begin, tools, storage, workers, _rhythm(settings)),
        around=(outside,),
        finishing=[partial(workers.drain, LAST_CALLS)],
    )


def prepare_bucket(settings: Settings) -> int:
    """Apply the bucket's lifecycle rules."""

    async def run() -> int:
        media = Media(settings.trusted_networks)
        storage = _storage(settings, media)
        try:
            return await cli.prepare_bucket(storage)
        finally:
            await storage.close()
            await media.close()

    return asyncio.run(run())


async def lift(wish: Wish) -> Lifted:
    """Raise what was restored above what others have seen."""
    database = Database(load(Settings).database_url, "jobs", pool_size=1)
    try:
        return await lifting.lift(database, PARTS, wish, utc_now)
    finally:
        await database.close()


async def announce(rate: float) -> int:
    """Say all jobs again."""
    database = Database(load(Settings).database_url, "jobs", pool_size=1)
    try:
        begin = transaction(database)
        pages = [partial(say, transaction=begin) for say in (announce_jobs, announce_exports)]
        return await announcing.announce(pages, rate)
    finally:
        await database.close()


def show(settings: Settings, job_id: UUID) -> int:
    """Show one job."""

    async def run() -> int:
        database = Database(settings.database_url, "jobs", pool_size=1)
        try:
            return await cli.show(job_id, transaction(database))
        finally:
            await database.close()

    return asyncio.run(run())


def _rhythm(settings: Settings) -> Rhythm:
    return Rhythm(settings.sweep_every, settings.places_every, settings.expire_every)


def _clock(settings: Settings) -> Clock:
    ahead = timedelta(seconds=settings.clock_ahead)
    return lambda: utc_now() + ahead


def _storage(settings: Settings, media: Media) -> S3:
    return S3(
        settings.s3_bucket,
        media.save_weights,
        endpoint=settings.s3_endpoint,
        region=settings.aws_region,
        access_key=settings.aws_access_key_id,
        secret_key=settings.aws_secret_access_key.get_secret_value(),
    )
