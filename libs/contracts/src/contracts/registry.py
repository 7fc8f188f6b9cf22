from contracts import billing, catalog, credits, gateway, jobs
from contracts.message import Message

MESSAGES: dict[str, type[Message]] = {
    message.type: message
    for message in (
        billing.BillingChanged,
        billing.BillingRefused,
        billing.CheckoutOpened,
        billing.OpenCheckout,
        billing.OpenPortal,
        billing.PaymentDisputed,
        billing.PaymentRefunded,
        billing.PeriodOpened,
        billing.PlanChanged,
        billing.PlansChanged,
        billing.PortalOpened,
        billing.SetAutoTopUp,
        billing.StripeEvent,
        billing.TopUpPaid,
        catalog.ActivateVersion,
        catalog.CatalogRefused,
        catalog.DeleteModel,
        catalog.ModelChanged,
        catalog.PreviewPublished,
        catalog.ReferenceModelChanged,
        catalog.UpdateModel,
        credits.AccountChanged,
        credits.CaptureCredits,
        credits.CreditsHeld,
        credits.CreditsQuoted,
        credits.CreditsSettled,
        credits.HoldCredits,
        credits.HoldDeclined,
        credits.LowBalance,
        credits.PricingChanged,
        credits.QuoteCredits,
        credits.ReleaseCredits,
        gateway.TeamClosed,
        gateway.TeamOpened,
        gateway.WebhookEndpointDisabled,
        jobs.CancelJob,
        jobs.DeleteImages,
        jobs.ExportChanged,
        jobs.ExportImages,
        jobs.ImagesExpiring,
        jobs.JobChanged,
        jobs.JobsRefused,
        jobs.PinImages,
        jobs.ProviderCallback,
    )
}


def message_class(type_: str) -> type[Message] | None:
    """Find the class of a message type; None for one this release does not know."""
    return MESSAGES.get(type_)
