from contracts import billing, catalog, credits, gateway, jobs
from contracts.message import Message

MESSAGES: dict[str, type[Message]] = {
    message.type: message
    for message in (
        billing.PaymentDisputed,
        billing.PaymentRefunded,
        billing.PeriodOpened,
        billing.PlanChanged,
        billing.TopUpPaid,
        catalog.ModelChanged,
        catalog.PreviewPublished,
        catalog.ReferenceModelChanged,
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
        gateway.TeamOpened,
        jobs.CancelJob,
        jobs.JobChanged,
        jobs.JobsRefused,
        jobs.ProviderCallback,
    )
}


def message_class(type_: str) -> type[Message] | None:
    """Find the class of a message type; None for one this release does not know."""
    return MESSAGES.get(type_)
