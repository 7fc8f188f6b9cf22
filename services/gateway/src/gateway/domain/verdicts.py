"""Reading verdicts out of what the owners say."""

from collections.abc import Iterable
from uuid import UUID

from contracts.billing import BillingChanged, BillingRefused, CheckoutOpened, PortalOpened
from contracts.catalog import CatalogRefused, ModelChanged
from contracts.credits import AccountChanged, CreditsHeld, CreditsQuoted, HoldDeclined
from contracts.envelope import Delivery
from contracts.jobs import ExportChanged, JobChanged, JobsRefused
from contracts.message import Message
from gateway.domain.requests import GRANTED, Verdict

_WORDS = {
    "insufficient_credits": "The team has too few credits for this.",
    "key_budget_exceeded": "The API key's budget is too small for this.",
    "max_credits_exceeded": "This would cost more than the limit you set.",
    "account_frozen": "The team's account is frozen.",
    "too_late": "It took too long to decide; nothing was charged. Please ask again.",
    "quote_expired": "The quote has expired. Ask for a new one.",
    "quote_mismatch": "The quote does not cover this, or was used already. Ask for a new one.",
}
_OF_JOBS = frozenset({"reserve", "deduct", "refund"})


def spoken(deliveries: Iterable[Delivery[Message]]) -> dict[UUID, Verdict]:
    """Find the verdicts that name their request."""
    verdicts: dict[UUID, Verdict] = {}
    for delivery in deliveries:
        match delivery.message:
            case CreditsHeld(request_id=id_) | CreditsQuoted(request_id=id_):
                verdicts[id_] = GRANTED
            case HoldDeclined(request_id=id_) as no:
                words = _WORDS.get(no.code, "")
                verdicts[id_] = Verdict("declined", no.code, words, no.required, no.spendable)
            case CheckoutOpened(request_id=id_, url=url) | PortalOpened(request_id=id_, url=url):
                verdicts[id_] = Verdict("granted", url=url)
            case (
                BillingRefused(request_id=id_, code=code, detail=detail)
                | CatalogRefused(request_id=id_, code=code, detail=detail)
                | JobsRefused(request_id=id_, code=code, detail=detail)
            ):
                verdicts[id_] = Verdict("refused", code, detail)
            case JobChanged(id=id_) if delivery.correlation_id == id_:
                pass  # said on the job's own account: nobody asked
            case JobChanged() | ModelChanged() | BillingChanged() | ExportChanged():
                # A document answers what was asked of its owner when it was said because of it.
                verdicts.setdefault(delivery.correlation_id, GRANTED)
            case _:
                pass
    return verdicts


def stopping(jobs: Iterable[JobChanged]) -> set[UUID]:
    """Find the jobs that whoever asked to stop them need not ask again."""
    return {job.id for job in jobs if job.status in ("cancelling", "cancelled")}


def credited(accounts: Iterable[AccountChanged]) -> set[UUID]:
    """Find the teams that have credits, which is what a sign-up waits for."""
    return {
        account.team_id for account in accounts if account.available + account.bonus > 0 and _grew(account)
    }


def _grew(account: AccountChanged) -> bool:
    """Whether it may be news that there are credits; most accounts change by what jobs cost."""
    return not account.entries or any(entry.kind not in _OF_JOBS for entry in account.entries)
