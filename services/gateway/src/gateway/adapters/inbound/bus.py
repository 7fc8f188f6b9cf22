"""What the gateway hears on the bus: everybody's public documents, and the verdicts."""

from collections.abc import Sequence
from typing import Any

from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts.billing import (
    BillingChanged,
    BillingRefused,
    CheckoutOpened,
    PlanChanged,
    PlansChanged,
    PortalOpened,
)
from contracts.catalog import CatalogRefused, ModelChanged, PreviewPublished, ReferenceModelChanged
from contracts.credits import (
    AccountChanged,
    CreditsHeld,
    CreditsQuoted,
    HoldDeclined,
    LowBalance,
    PricingChanged,
)
from contracts.envelope import Delivery
from contracts.gateway import WebhookEndpointDisabled
from contracts.jobs import ExportChanged, ImagesExpiring, JobChanged, JobsRefused
from contracts.message import Message
from gateway.application.ports import Transaction
from gateway.application.project_documents import project_documents
from gateway.application.repair_views import repair_views

HEARD: tuple[type[Message], ...] = (
    AccountChanged,
    BillingChanged,
    BillingRefused,
    CatalogRefused,
    CheckoutOpened,
    CreditsHeld,
    CreditsQuoted,
    ExportChanged,
    HoldDeclined,
    ImagesExpiring,
    JobChanged,
    JobsRefused,
    LowBalance,
    ModelChanged,
    PlanChanged,
    PlansChanged,
    PortalOpened,
    PreviewPublished,
    PricingChanged,
    ReferenceModelChanged,
    WebhookEndpointDisabled,
)


ANNOUNCED: tuple[type[Message], ...] = (
    AccountChanged,
    BillingChanged,
    ExportChanged,
    JobChanged,
    ModelChanged,
    PlanChanged,
    PlansChanged,
    PreviewPublished,
    PricingChanged,
    ReferenceModelChanged,
)


def repairer(transaction: Transaction) -> Consumer:
    """Keep the views whole: what is announced shows where something older or nothing is shown."""

    async def repair(deliveries: Sequence[Delivery[Any]]) -> None:
        await repair_views(deliveries, transaction)

    return Consumer("gateway.announced", dict.fromkeys(ANNOUNCED, repair), prefetch=100, batch=50)


def projector(transaction: Transaction, clock: Clock, site: str) -> Consumer:
    """Keep the views; one consumer of all replicas works at a time. Letters lead to `site`."""

    async def project(deliveries: Sequence[Delivery[Any]]) -> None:
        await project_documents(deliveries, transaction, clock, site)

    return Consumer("gateway.projector", dict.fromkeys(HEARD, project), prefetch=200, batch=100, hot=True)
