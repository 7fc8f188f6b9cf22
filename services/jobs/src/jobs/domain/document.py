"""What a team may see of its job: the public document, the receipt, and the reason in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.credits import CreditsSettled
from contracts.jobs import JobChanged, Progress, Receipt
from contracts.orders import Operation
from jobs.domain.calls import ProviderStatus
from jobs.domain.state import public_status

if TYPE_CHECKING:
    from jobs.domain.record import JobRecord, Settlement

_WORDS = {
    "content_policy": "the provider's safety checker kept every image back",
    "storage_failed": "the results could not be kept",
    "result_lost": "the provider's results could not be read",
}


def document(job: JobRecord) -> JobChanged:
    """Write down the whole job as its team may see it."""
    return JobChanged(
        id=job.id,
        team_id=job.team_id,
        user_id=job.user_id,
        version=job.version,
        operation=job.operation,
        status=public_status(job.state, cancelling=job.cancelling),
        quantity=job.quantity,
        cost=job.price.cost,
        code=job.code,
        reason=job.reason,
        position=job.position,
        progress=None if job.receipt else job.progress,
        recipe=job.recipe,
        results=job.results,
        receipt=job.receipt,
        timeline=job.timeline,
        created_at=job.created_at,
        updated_at=job.updated_at,
        expires_at=job.expires_at,
    )


def progress_of(job: JobRecord, status: ProviderStatus | None = None) -> Progress:
    """Say how far the current step is; what the provider does not tell stays as it was."""
    known = job.progress.percent if status and job.progress else 0
    told = status.percent if status else None
    return Progress(
        step=job.step,
        steps=len(job.steps),
        label=job.kind.value,
        percent=min(100, max(0, known if told is None else told)),
        queue_position=status.position if status else None,
    )


def receipt(job: JobRecord, settlement: Settlement, fact: CreditsSettled) -> Receipt:
    """Write down what the job cost: what was not delivered is not charged."""
    return Receipt(
        held=fact.held,
        captured=fact.captured,
        released=fact.released,
        uncollected=fact.uncollected,
        unit_price=job.price.unit_price,
        units=fact.captured // job.price.unit_price if job.price.unit_price else 0,
        reason=settlement.code,
        entry_ids=fact.entry_ids,
    )


def summary(job: JobRecord, code: str = "") -> str:
    """Say in words what came of it; `code` is why nothing did."""
    delivered = [result for result in job.results if not result.withheld]
    if job.operation is not Operation.GENERATE_IMAGES or not delivered:
        return _WORDS.get(code, "")
    if len(delivered) >= job.quantity:
        return "delivered before it could be stopped" if job.cancelling else ""
    withheld = len(job.results) - len(delivered)
    lost = job.quantity - len(delivered) - withheld
    counts = ((withheld, "kept back by the safety checker"), (lost, "not made"))
    missing = ", ".join(f"{count} {fate}" for count, fate in counts if count)
    return f"{len(delivered)} of {job.quantity} images delivered ({missing}); the rest is not charged"
