"""Teams, orders and moments the tests speak of."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from contracts.billing import PaymentDisputed, PaymentRefunded, PeriodOpened, TopUpPaid
from contracts.credits import CaptureCredits, HoldCredits, QuoteCredits, QuoteItem, ReleaseCredits
from contracts.orders import KeyTerms, Operation, Order, Quality, Recipe, Size, Terms

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = timedelta(days=30)


def order(
    quantity: int = 4,
    operation: Operation = Operation.GENERATE_IMAGES,
    quality: Quality = "standard",
    size: Size | None = None,
    job_id: UUID | None = None,
) -> Order:
    recipe = Recipe(prompt="a red chair", quality=quality, size=size)
    return Order(job_id=job_id or uuid4(), operation=operation, quantity=quantity, recipe=recipe)


def ask(team_id: UUID, *orders: Order, request_id: UUID | None = None, **terms: object) -> HoldCredits:
    return HoldCredits(
        request_id=request_id or uuid4(),
        team_id=team_id,
        orders=orders or (order(),),
        terms=Terms.model_validate({"not_after": NOW + timedelta(minutes=15), **terms}),
    )


def item(
    quantity: int = 4,
    operation: Operation = Operation.GENERATE_IMAGES,
    quality: Quality = "standard",
    size: Size | None = None,
) -> QuoteItem:
    return QuoteItem(operation=operation, quantity=quantity, quality=quality, size=size)


def ask_price(team_id: UUID, *items: QuoteItem, request_id: UUID | None = None) -> QuoteCredits:
    return QuoteCredits(request_id=request_id or uuid4(), team_id=team_id, items=items or (item(),))


def captured(asked: HoldCredits, quantity: int, n: int = 0) -> CaptureCredits:
    return CaptureCredits(job_id=asked.orders[n].job_id, team_id=asked.team_id, quantity=quantity)


def released(asked: HoldCredits, n: int = 0) -> ReleaseCredits:
    return ReleaseCredits(job_id=asked.orders[n].job_id, team_id=asked.team_id, reason="cancelled")


def period(
    team_id: UUID, credits: int = 200, start: datetime = NOW, kind: str = "reset", **fields: object
) -> PeriodOpened:
    return PeriodOpened.model_validate(
        {
            "team_id": team_id,
            "source_ref": f"period:{team_id}:{start.isoformat()}:{kind}",
            "kind": kind,
            "credits": credits,
            "period_start": start,
            "period_end": start + MONTH,
            "plan": "pro",
            **fields,
        }
    )


def spending_key(budget: int | None, key_id: UUID | None = None) -> KeyTerms:
    return KeyTerms(id=key_id or uuid4(), budget=budget, window_start=NOW - DAY)


def top_up(team_id: UUID, credits: int = 50, **fields: object) -> TopUpPaid:
    paid = {"team_id": team_id, "source_ref": f"top-up:{team_id}", "credits": credits}
    return TopUpPaid.model_validate(paid | fields)


def refund(grant: PeriodOpened | TopUpPaid, share: float = 1, **fields: object) -> PaymentRefunded:
    back = {"source_ref": f"refund:{grant.source_ref}", "grant_ref": grant.source_ref, "share": share}
    return PaymentRefunded.model_validate({"team_id": grant.team_id, **back, **fields})


def dispute(grant: PeriodOpened | TopUpPaid, state: str, share: float = 1) -> PaymentDisputed:
    back = {"source_ref": f"dispute:{grant.source_ref}", "grant_ref": grant.source_ref, "share": share}
    return PaymentDisputed.model_validate({"team_id": grant.team_id, **back, "state": state})
