"""A team is closed: what runs stops, its objects are deleted, no job says any more what was asked."""

from collections.abc import Sequence
from uuid import UUID

from chassis.clock import Clock
from contracts.envelope import Delivery
from contracts.gateway import TeamClosed
from jobs.application.closing import Closing, Listing
from jobs.application.ports import StorageUnavailable
from jobs.application.tools import tell
from jobs.application.work import Transaction
from jobs.domain.closing import forget, next_look, prefixes
from jobs.domain.effects import Effect
from jobs.domain.rules import Rules
from jobs.domain.state import TooLate

AT_ONCE = 5
_PAGE = 100


async def note_closed_teams(deliveries: Sequence[Delivery[TeamClosed]], transaction: Transaction) -> None:
    """Remember that teams are closed; the work that follows takes its time and is done beside."""
    async with transaction() as work:
        await work.closings.note({each.message.team_id: each.message.closed_at for each in deliveries})


async def clear_closed_teams(
    transaction: Transaction, objects: Listing, clock: Clock, rules: Rules
) -> list[Effect]:
    """Clear the teams that are due; whatever a crash leaves is done after the lease, by whoever is there.

    Jobs that cannot be stopped any more, and what comes late, are found by looking again.
    """
    now = clock()
    async with transaction() as work:
        closings = await work.closings.take(now, now + rules.object_lease, AT_ONCE)
    effects: list[Effect] = []
    for closing in closings:
        effects += await _clear(closing, transaction, objects, clock, rules)
    return effects


async def _clear(
    closing: Closing, transaction: Transaction, objects: Listing, clock: Clock, rules: Rules
) -> list[Effect]:
    effects = await _stop(closing.team_id, transaction, clock, rules)
    await _forget(closing.team_id, transaction)
    try:
        await _delete(closing.team_id, objects)
    except StorageUnavailable:
        return effects
    async with transaction() as work:
        await work.closings.clear(closing.team_id, next_look(closing.closed_at, clock()))
    return effects


async def _stop(team_id: UUID, transaction: Transaction, clock: Clock, rules: Rules) -> list[Effect]:
    effects: list[Effect] = []
    async with transaction() as work:
        jobs = await work.closings.open_jobs(team_id)
        for job in jobs:
            if job.cancelling:
                continue
            try:
                effects += tell(work, job, job.cancel(clock(), rules))
            except (
                TooLate
            ):  # its results are being kept: it ends by itself, and is forgotten at the next look
                continue
        await work.jobs.save(jobs)
    return effects


async def _forget(team_id: UUID, transaction: Transaction) -> None:
    found = _PAGE
    while found == _PAGE:
        async with transaction() as work:
            jobs = await work.closings.untold_jobs(team_id, _PAGE)
            for job in jobs:
                forget(job)
            await work.jobs.save(jobs)
        found = len(jobs)


async def _delete(team_id: UUID, objects: Listing) -> None:
    for prefix in prefixes(team_id):
        while keys := await objects.keys(prefix):
            if kept := await objects.delete(keys):
                raise StorageUnavailable(f"{len(kept)} objects of a closed team cannot be deleted")
