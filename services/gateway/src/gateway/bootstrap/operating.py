"""What an operator starts by hand."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from chassis import migrate as chassis_migrate
from chassis.clock import utc_now
from chassis.database import Database
from chassis.settings import load
from gateway.adapters.inbound import cli
from gateway.adapters.outbound.postgres.work import transaction
from gateway.application import audit as use_case
from gateway.application.checking import StoredFinding
from gateway.application.heal_holds import Remedy, heal_holds
from gateway.application.mend_views import Mended, Owner, mend_views
from gateway.bootstrap import NAME
from gateway.domain.letters import Letter
from gateway.settings import ProjectorSettings


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


async def mend(owner: Owner, below: int, apply: bool) -> list[Mended]:  # noqa: FBT001 - as typed by an operator
    """Mend what is shown of a service that was restored."""
    async with connected() as database:
        return await mend_views(owner, below, transaction(database), apply=apply)


async def findings() -> list[StoredFinding]:
    """List what the audits found and what lasts."""
    async with connected() as database, transaction(database)() as work:
        return await work.findings.standing()
