from collections.abc import Iterable, Sequence
from typing import TypeVar

from contracts.billing import PlanChanged
from contracts.catalog import PreviewPublished
from contracts.credits import AccountChanged, PricingChanged
from contracts.envelope import Delivery
from contracts.jobs import TERMINAL, JobChanged
from contracts.message import Document, Message
from gateway.application.ports import Transaction

M = TypeVar("M", bound=Message)


async def repair_views(deliveries: Sequence[Delivery[Message]], transaction: Transaction) -> None:
    """Show what services announce, where something older or nothing is shown.

    It is no news: the event log, and with it whoever follows it, is left alone. The fact of what is shown
    so may still be on its way, and is news when it comes.
    """
    messages = [delivery.message for delivery in deliveries]
    jobs = _of(JobChanged, messages)
    async with transaction() as work:
        newer = await work.documents.put(_of(Document, messages), announced=True)
        await work.images.keep(jobs)
        await work.documents.record(_of(AccountChanged, messages))
        await work.documents.picture(_of(PreviewPublished, messages))
        await work.documents.price(_of(PricingChanged, messages))
        await work.slots.allow({plan.team_id: plan.limits.open for plan in _of(PlanChanged, newer)})
        await work.slots.give_back({job.id for job in jobs if job.status in TERMINAL})


def _of(kind: type[M], messages: Iterable[Message]) -> list[M]:
    return [message for message in messages if isinstance(message, kind)]
