"""The decision whether a request's credits are set aside: for all its orders, or for none."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from contracts import credits as messages
from contracts.credits import CreditsHeld, DeclineCode, HoldCredits, HoldDeclined
from contracts.orders import Operation, Order
from credits.domain.books import Books, ConflictingContent, Hold, KeyWindow, Request
from credits.domain.ledger import About
from credits.domain.pricing import PriceList
from credits.domain.quote import Rates, refusal

QUEUE_LIMIT = timedelta(hours=24)
RUNNING_LIMITS = {
    Operation.GENERATE_IMAGES: timedelta(minutes=15),
    Operation.CREATE_MODEL: timedelta(hours=2),
    Operation.REFINE_MODEL: timedelta(hours=2),
}
MARGIN = 1.25
"""A hold outlives the longest job by a quarter, so that it expires only when jobs is dead."""

_MAY_DIFFER: dict[str, Any] = {
    "request_id": True,
    "terms": {"not_after": True, "api_key": {"budget": True, "window_start": True}},
}
Verdict = CreditsHeld | HoldDeclined


def hold(
    books: Books, prices: PriceList, command: HoldCredits, asked_by: UUID, now: datetime
) -> Verdict | None:
    """Decide a request, or answer as it was decided before; None for the very message answered already.

    Raises ConflictingContent when the request or one of its jobs is known with other content.
    """
    known = books.requests.get(command.request_id)
    if known is not None:
        return _again(books, command, known, asked_by)
    _check_jobs(books, command)
    books.accounts[command.team_id].expire_due(now)
    rates = _rates(books, prices, command, now)
    request = _decided(books, command, rates.total(command.orders), asked_by, now)
    books.decide(request)
    if request.code is None:
        _carry_out(books, rates, command, now)
    return _verdict(books, command, request)


def fingerprint(command: HoldCredits) -> bytes:
    """Digest what must not differ when a request is asked again: team, orders, and what they depend on."""
    content = command.model_dump_json(exclude=_MAY_DIFFER, exclude_defaults=True)
    return sha256(content.encode()).digest()


def lifetime(operation: Operation) -> timedelta:
    """How long credits stay set aside for a job of this kind."""
    return (QUEUE_LIMIT + RUNNING_LIMITS[operation]) * MARGIN


def _again(books: Books, command: HoldCredits, known: Request, asked_by: UUID) -> Verdict | None:
    if known.fingerprint != fingerprint(command):
        raise ConflictingContent(f"request {command.request_id} was asked before with other content")
    return None if known.asked_by == asked_by else _verdict(books, command, known)


def _check_jobs(books: Books, command: HoldCredits) -> None:
    jobs = [order.job_id for order in command.orders]
    if len(set(jobs)) < len(jobs):
        raise ConflictingContent(f"request {command.request_id} names a job twice")
    if taken := [order.job_id for order in command.orders if _is_taken(books, command, order)]:
        raise ConflictingContent(f"jobs {', '.join(map(str, taken))} are held for another request")


def _is_taken(books: Books, command: HoldCredits, order: Order) -> bool:
    known = books.holds.get(order.job_id)
    return known is not None and not (known.is_tombstone and known.team_id == command.team_id)


def _decided(books: Books, command: HoldCredits, required: int, asked_by: UUID, now: datetime) -> Request:
    return Request(
        id=command.request_id,
        team_id=command.team_id,
        fingerprint=fingerprint(command),
        code=next(_objections(books, command, required, now), None),
        required=required,
        spendable=books.accounts[command.team_id].spendable,
        asked_by=asked_by,
        decided_at=now,
    )


def _objections(books: Books, command: HoldCredits, required: int, now: datetime) -> Iterator[DeclineCode]:
    """Why the credits cannot be held, the plainest reason first."""
    account, terms = books.accounts[command.team_id], command.terms
    # A job released before it was held is given up already; whoever still asks for it comes too late.
    if now > terms.not_after or any(order.job_id in books.holds for order in command.orders):
        yield "too_late"
    if account.is_frozen or account.owed > books.limits.uncollected:
        yield "account_frozen"
    if terms.quote_id and (code := refusal(books.quotes.get(terms.quote_id), command, now)):
        yield code
    if terms.max_credits is not None and required > terms.max_credits:
        yield "max_credits_exceeded"
    if _exceeds_budget(books, command, required):
        yield "key_budget_exceeded"
    if required > account.spendable:
        yield "insufficient_credits"


def _exceeds_budget(books: Books, command: HoldCredits, required: int) -> bool:
    key = command.terms.api_key
    if key is None or key.budget is None:
        return False
    return books.key_spend.get(KeyWindow.of(key), 0) + required > key.budget


def _rates(books: Books, prices: PriceList, command: HoldCredits, now: datetime) -> Rates:
    quote = books.quotes.get(command.terms.quote_id) if command.terms.quote_id else None
    return Rates(prices, None if refusal(quote, command, now) else quote)


def _carry_out(books: Books, rates: Rates, command: HoldCredits, now: datetime) -> None:
    if rates.quote is not None:
        books.use(rates.quote, command.request_id)
    for order in command.orders:
        books.hold(_reserve(books, rates, command, order, now))


def _reserve(books: Books, rates: Rates, command: HoldCredits, order: Order, now: datetime) -> Hold:
    key, unit = command.terms.api_key, rates.unit(order)
    hold = Hold(
        id=order.job_id,
        team_id=command.team_id,
        created_at=now,
        request_id=command.request_id,
        operation=order.operation,
        quantity=order.quantity,
        unit_price=unit.credits,
        price_version=unit.version,
        expires_at=now + lifetime(order.operation),
        key=KeyWindow.of(key) if key else None,
    )
    account = books.accounts[command.team_id]
    hold.parts = account.reserve(hold.amount, About(hold.id, hold.operation), now)
    return hold


def _verdict(books: Books, command: HoldCredits, request: Request) -> Verdict:
    if request.code is not None:
        return HoldDeclined(
            request_id=request.id,
            team_id=request.team_id,
            code=request.code,
            required=request.required,
            spendable=request.spendable,
        )
    holds = tuple(_held(books.holds[order.job_id], order) for order in command.orders)
    return CreditsHeld(request_id=request.id, team_id=request.team_id, holds=holds)


def _held(hold: Hold, order: Order) -> messages.Hold:
    if hold.expires_at is None:
        raise ValueError(f"{hold.id} was never held")
    return messages.Hold(
        job_id=hold.id,
        amount=hold.amount,
        unit_price=hold.unit_price,
        price_version=hold.price_version,
        expires_at=hold.expires_at,
        order=order,
    )
