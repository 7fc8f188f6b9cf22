from contracts import billing, catalog, credits, gateway, jobs
from contracts.message import Message

MESSAGES: dict[str, type[Message]] = {
    message.type: message
    for message in (
        billing.PeriodOpened,
        billing.PlanChanged,
        catalog.ModelChanged,
        catalog.PreviewPublished,
        catalog.ReferenceModelChanged,
        credits.AccountChanged,
        credits.CaptureCredits,
        credits.CreditsHeld,
        credits.CreditsSettled,
        credits.HoldCredits,
        credits.HoldDeclined,
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
