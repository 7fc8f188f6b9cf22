"""Ask credits to decide holds that the end of their jobs left open, or that it has forgotten."""

from collections.abc import Sequence

from chassis.clock import Clock
from chassis.ids import new_id
from contracts.credits import CaptureCredits, ReleaseCredits
from gateway.application.checking import StoredFinding
from gateway.application.ports import Transaction
from gateway.domain.books import FindingKind

Remedy = CaptureCredits | ReleaseCredits


async def heal_holds(transaction: Transaction, clock: Clock, limit: int) -> list[Remedy]:
    """Ask for at most `limit` remedies, the oldest findings first, and never twice for the same one."""
    async with transaction() as work:
        await work.findings.begin(wait=True)  # two healers would ask twice
        open_ = {one.finding.subject: one.finding for one in _unhealed(await work.findings.standing())}
        jobs = await work.books.jobs(open_)
        remedies = {job.job_id: remedy for job in jobs if (remedy := job.remedy())}
        chosen = [finding for job_id, finding in open_.items() if job_id in remedies][:limit]
        for finding in chosen:
            work.outbox.say(remedies[finding.subject], new_id())
        await work.findings.healed(chosen, clock())
        return [remedies[finding.subject] for finding in chosen]


def _unhealed(standing: Sequence[StoredFinding]) -> list[StoredFinding]:
    kinds = (FindingKind.OPEN_HOLD, FindingKind.NOT_CAPTURED)
    return [one for one in standing if one.finding.kind in kinds and one.healed_at is None]
