"""Who hears what: every queue and the facts it binds, declared whole before any service runs."""

from dataclasses import dataclass

from contracts.billing import (
    BillingChanged,
    BillingRefused,
    CheckoutOpened,
    OpenCheckout,
    OpenPortal,
    PaymentDisputed,
    PaymentRefunded,
    PeriodOpened,
    PlanChanged,
    PlansChanged,
    PortalOpened,
    SetAutoTopUp,
    StripeEvent,
    TopUpPaid,
)
from contracts.catalog import (
    ActivateVersion,
    CatalogRefused,
    DeleteModel,
    ModelChanged,
    PreviewPublished,
    ReferenceModelChanged,
    UpdateModel,
)
from contracts.credits import (
    AccountChanged,
    CaptureCredits,
    CreditsHeld,
    CreditsQuoted,
    CreditsSettled,
    HoldCredits,
    HoldDeclined,
    LowBalance,
    PricingChanged,
    QuoteCredits,
    ReleaseCredits,
)
from contracts.gateway import TeamClosed, TeamOpened, WebhookEndpointDisabled
from contracts.jobs import (
    CancelJob,
    DeleteImages,
    ExportChanged,
    ExportImages,
    ImagesExpiring,
    JobChanged,
    JobsRefused,
    PinImages,
    ProviderCallback,
)
from contracts.orders import Operation

COMMANDS = "commands"
FACTS = "facts"
ANNOUNCED = "announced"
"""Where a service says its documents again: to repair what others keep of them, not as news."""
UNROUTED = "unrouted"
PARKED = "parked"
RETRY_DELAYS = {"retry.5s": 5_000, "retry.30s": 30_000, "retry.5m": 300_000}
"""The ladder a failed message climbs: exchange and queue of that name, and the wait in milliseconds."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable quorum queue and the routing keys bound to it.

    `single_active` lets one consumer of several replicas work at a time.
    """

    name: str
    commands: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    announced: tuple[str, ...] = ()
    single_active: bool = False

    @property
    def parked(self) -> str:
        """The queue that keeps what this one could not handle."""
        return f"{self.name}.parked"


QUEUES = (
    Queue(
        "billing.commands",
        commands=(OpenCheckout.type, OpenPortal.type, SetAutoTopUp.type, StripeEvent.type),
    ),
    Queue("billing.facts", facts=(LowBalance.type, TeamClosed.type, TeamOpened.type)),
    Queue("catalog.commands", commands=(ActivateVersion.type, DeleteModel.type, UpdateModel.type)),
    Queue(
        "catalog.facts",
        facts=(
            f"{CreditsHeld.type}.{Operation.CREATE_MODEL}",
            f"{CreditsHeld.type}.{Operation.REFINE_MODEL}",
            f"{JobChanged.type}.{Operation.CREATE_MODEL}.#",
            f"{JobChanged.type}.{Operation.REFINE_MODEL}.#",
            f"{JobChanged.type}.{Operation.GENERATE_IMAGES}.completed",
            TeamClosed.type,
        ),
        announced=(
            f"{JobChanged.type}.{Operation.CREATE_MODEL}.#",
            f"{JobChanged.type}.{Operation.REFINE_MODEL}.#",
            f"{JobChanged.type}.{Operation.GENERATE_IMAGES}.completed",
        ),
    ),
    Queue(
        "credits.commands",
        commands=(HoldCredits.type, CaptureCredits.type, ReleaseCredits.type, QuoteCredits.type),
    ),
    Queue(
        "credits.facts",
        facts=(
            BillingChanged.type,
            PaymentDisputed.type,
            PaymentRefunded.type,
            PeriodOpened.type,
            TeamClosed.type,
            TopUpPaid.type,
        ),
        announced=(BillingChanged.type,),
    ),
    Queue("gateway.announced", announced=("#",), single_active=True),
    Queue(
        "gateway.projector",
        facts=(
            AccountChanged.type,
            BillingChanged.type,
            BillingRefused.type,
            CatalogRefused.type,
            CheckoutOpened.type,
            f"{CreditsHeld.type}.#",
            CreditsQuoted.type,
            ExportChanged.type,
            HoldDeclined.type,
            ImagesExpiring.type,
            f"{JobChanged.type}.#",
            JobsRefused.type,
            LowBalance.type,
            ModelChanged.type,
            PlanChanged.type,
            PlansChanged.type,
            PortalOpened.type,
            PreviewPublished.type,
            PricingChanged.type,
            ReferenceModelChanged.type,
            WebhookEndpointDisabled.type,
        ),
        single_active=True,
    ),
    Queue(
        "jobs.commands",
        commands=(
            CancelJob.type,
            DeleteImages.type,
            ExportImages.type,
            PinImages.type,
            ProviderCallback.type,
        ),
    ),
    Queue(
        "jobs.facts",
        facts=(
            f"{CreditsHeld.type}.#",
            CreditsSettled.type,
            ModelChanged.type,
            PlanChanged.type,
            ReferenceModelChanged.type,
            TeamClosed.type,
        ),
        announced=(ModelChanged.type, PlanChanged.type, ReferenceModelChanged.type),
    ),
)
