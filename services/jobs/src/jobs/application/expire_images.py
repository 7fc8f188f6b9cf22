"""Images are kept as long as promised: their team is told before, and then they go."""

from chassis.clock import Clock
from jobs.application.tools import tell
from jobs.application.work import Transaction
from jobs.domain.effects import Effect, Nudge
from jobs.domain.rules import Rules

AT_ONCE = 100


async def expire_images(transaction: Transaction, clock: Clock, rules: Rules) -> list[Effect]:
    """Give up images whose time is over, and warn of those whose time will be soon."""
    async with transaction() as work:
        old = await work.jobs.outdated(clock(), AT_ONCE)
        effects = [effect for job in old for effect in tell(work, job, job.expired(clock(), rules))]
        await work.jobs.save(old)
    async with transaction() as work:
        ageing = await work.jobs.to_warn(clock(), AT_ONCE)
        for job in ageing:
            tell(work, job, job.soon_gone(clock()))
        await work.jobs.save(ageing)
    return [*effects, *([Nudge.EXPIRE] if AT_ONCE in (len(old), len(ageing)) else ())]


async def expire_exports(transaction: Transaction, clock: Clock) -> list[Effect]:
    """Take away exports whose time is over."""
    async with transaction() as work:
        exports = await work.exports.due(clock(), AT_ONCE)
        for export in exports:
            for document in export.expired(clock()):
                work.outbox.add(document)
        await work.exports.save(exports)
    return [Nudge.DISCARD, *([Nudge.EXPIRE] if len(exports) == AT_ONCE else ())]
