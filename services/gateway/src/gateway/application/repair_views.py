from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from contracts.billing import BillingChanged, PlanChanged
from contracts.catalog import ModelChanged, PreviewPublished
from contracts.credits import AccountChanged, PricingChanged
from contracts.envelope import Delivery
from contracts.jobs import TERMINAL, ExportChanged, JobChanged
from contracts.message import Document, Message
from gateway.application.ports import Transaction

M = TypeVar("M", bound=Message)
FORGOTTEN = (BillingChanged, ExportChanged, JobChanged, ModelChanged, PlanChanged)
"""What is not shown of a closed team; its jobs once they have ended. What it paid stays."""


async def repair_views(deliveries: Sequence[Delivery[Message]], transaction: Transaction) -> None:
    """Show what services announce, where something older or nothing is shown.

    It is no news: the event log, and with it whoever follows it, is left alone. The fact of what is shown
    so may still be on its way, and is news when it comes. What was forgotten of closed teams stays forgotten.
    """
    messages = [delivery.message for delivery in deliveries]
    jobs = _of(JobChanged, messages)
    async with transaction() as work:
        documents = _of(Document, messages)
        ended = await work.teams.ended({d.team_id for d in documents if isinstance(d, FORGOTTEN)})
        remembered = [document for document in documents if not _is_forgotten(document, ended)]
        newer = await work.documents.put(remembered, announced=True)
        await work.images.keep(jobs)
        await work.documents.record(_of(AccountChanged, messages))
        await work.documents.picture(_of(PreviewPublished, messages))
        await work.documents.price(_of(PricingChanged, messages))
        await work.slots.allow({plan.team_id: plan.limits.open for plan in _of(PlanChanged, newer)})
        await work.slots.give_back({job.id for job in jobs if job.status in TERMINAL})


def _is_forgotten(document: Document, ended: Collection[UUID]) -> bool:
    if not isinstance(document, FORGOTTEN) or document.team_id not in ended:
        return False
    return not isinstance(document, JobChanged) or document.status in TERMINAL


def _of(kind: type[M], messages: Iterable[Message]) -> list[M]:
    return [message for message in messages if isinstance(message, kind)]
