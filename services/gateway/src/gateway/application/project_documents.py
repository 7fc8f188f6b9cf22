"""Keep the views, settle what was asked, and write the event log: one batch, one transaction."""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from chassis.clock import Clock
from contracts.billing import BillingChanged, PlanChanged, PlansChanged
from contracts.catalog import PreviewPublished
from contracts.credits import AccountChanged, CreditsHeld, CreditsQuoted, LowBalance, PricingChanged
from contracts.envelope import Delivery
from contracts.gateway import WebhookEndpointDisabled
from contracts.jobs import TERMINAL, ImagesExpiring, JobChanged
from contracts.message import Document, Message
from gateway.application.ports import Notice, Transaction, Work
from gateway.application.write_notices import write_notices
from gateway.domain.requests import GRANTED, Kind, Request, Verdict
from gateway.domain.verdicts import credited, spoken, stopping

M = TypeVar("M", bound=Message)
QUIET = (BillingChanged, PlansChanged)
"""What is read where it is shown and followed by nobody: events are for every member, invoices are not."""


async def project_documents(
    deliveries: Sequence[Delivery[Message]], transaction: Transaction, clock: Clock, site: str
) -> None:
    """Show what is newer than what is shown; a repetition changes nothing. Letters lead to `site`."""
    messages = [delivery.message for delivery in deliveries]
    accounts, jobs = _of(AccountChanged, messages), _of(JobChanged, messages)
    async with transaction() as work:
        newer = await work.documents.put(_of(Document, messages))
        await work.images.keep(_of(JobChanged, newer))
        await work.documents.record(accounts)
        await work.documents.picture(_of(PreviewPublished, messages))
        await work.documents.price(_of(PricingChanged, messages))
        await work.documents.quote(_of(CreditsQuoted, messages))
        await work.documents.hold([hold for held in _of(CreditsHeld, messages) for hold in held.holds])
        settled = await _settled(work, deliveries, stopping(jobs), credited(accounts))
        taken_back = await _take_back(work, settled)
        # Slots last: every request of a team waits for its row. Their absence makes a second time boring.
        await work.slots.allow({plan.team_id: plan.limits.open for plan in _of(PlanChanged, newer)})
        await work.slots.give_back({job.id for job in jobs if job.status in TERMINAL} | taken_back)
        news = [document for document in newer if not isinstance(document, QUIET)]
        plain = all(request.verdict == GRANTED for request in settled)
        granted = [request.id for request in settled] if plain else None
        told = await work.log.append((*news, *_notices(messages)), clock(), granted)
        await write_notices(work, told, site, clock())


async def _settled(
    work: Work, deliveries: Sequence[Delivery[Message]], stopped: set[UUID], funded: set[UUID]
) -> list[Request]:
    """Store verdicts; returns the requests that had none before."""
    verdicts: dict[UUID, Verdict] = dict(spoken(deliveries))
    awaited = await work.requests.awaited((Kind.CANCEL_JOB,), stopped)
    awaited += await work.requests.awaited((Kind.SIGN_UP, Kind.OPEN_TEAM), funded)
    verdicts |= {request.id: GRANTED for request in awaited}
    return await work.requests.settle(verdicts)


async def _take_back(work: Work, settled: Iterable[Request]) -> set[UUID]:
    """Take back the documents of what was declined; returns the jobs that never were."""
    declined = [request for request in settled if request.verdict and request.verdict.outcome != "granted"]
    jobs = {job for request in declined for job in request.jobs}
    await work.documents.withdraw(jobs, _models(declined))
    await work.images.withdraw_exports({r.subject for r in declined if r.kind is Kind.EXPORT})
    return jobs


def _models(declined: Iterable[Request]) -> set[UUID]:
    return {request.subject for request in declined if request.kind is Kind.CREATE_MODEL}


def _of(kind: type[M], messages: Iterable[Message]) -> list[M]:
    return [message for message in messages if isinstance(message, kind)]


def _notices(messages: Iterable[Message]) -> list[Notice]:
    return [
        message
        for message in messages
        if isinstance(message, LowBalance | ImagesExpiring | WebhookEndpointDisabled)
    ]
