"""The process that sends webhooks to clients."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from random import SystemRandom

from chassis.clock import utc_now
from chassis.commands import forever
from chassis.database import Database
from chassis.health import Health
from chassis.service import Service, run
from chassis.settings import load
from gateway.adapters.inbound.deliverer import Deliverer, writing
from gateway.adapters.outbound.postgres.listener import Listener
from gateway.adapters.outbound.postgres.work import transaction
from gateway.adapters.outbound.receivers import HttpReceivers
from gateway.application.deliver_webhooks import LEASES, Sending, deliver, take_due
from gateway.bootstrap import NAME
from gateway.bootstrap.links import signed_links
from gateway.settings import DelivererSettings


def build(settings: DelivererSettings) -> Service:
    """Wire the process that sends webhooks to clients."""
    database = Database(settings.database_url, NAME, settings.database_pool)
    health = Health()
    receivers = HttpReceivers(settings.trusted_networks, settings.webhook_patience)
    sending = Sending(
        transaction=transaction(database),
        receivers=receivers,
        clock=utc_now,
        write=writing(signed_links(settings)),
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


def main() -> None:
    """Send webhooks to clients until told to stop."""
    forever(run(build(load(DelivererSettings))))
