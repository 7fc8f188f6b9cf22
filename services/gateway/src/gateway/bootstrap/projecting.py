"""The process that keeps the views."""

from functools import partial

from chassis.clock import utc_now
from chassis.commands import forever
from chassis.database import Database
from chassis.service import Service, run
from chassis.settings import load
from gateway.adapters.inbound import bus, schedule
from gateway.adapters.outbound.postgres.findings import numbers
from gateway.adapters.outbound.postgres.work import transaction
from gateway.bootstrap import NAME
from gateway.settings import ProjectorSettings


def build(settings: ProjectorSettings) -> Service:
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


def main() -> None:
    """Keep the views until told to stop."""
    forever(run(build(load(ProjectorSettings))))
