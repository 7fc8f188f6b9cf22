"""The decision what a team is offered: made once for each request, and repeated whenever it asks again."""

from datetime import datetime
from uuid import UUID

from contracts.credits import CreditsQuoted, QuoteCredits, QuotedItem, QuoteItem
from credits.domain.books import Books, ConflictingContent
from credits.domain.pricing import PriceList
from credits.domain.quote import Quote


def quote(
    books: Books, prices: PriceList, command: QuoteCredits, asked_by: UUID, now: datetime
) -> CreditsQuoted | None:
    """Price what a team wants, or answer as before; None for the very message answered already.

    Raises ConflictingContent when the request is known with other content.
    """
    known = books.quotes.get(command.request_id)
    if known is None:
        return _offered(books, prices, command, asked_by, now).quoted()
    if (known.team_id, tuple(map(_asked, known.items))) != (command.team_id, command.items):
        raise ConflictingContent(f"request {command.request_id} was quoted before for other items")
    return None if known.asked_by == asked_by else known.quoted()


def _offered(books: Books, prices: PriceList, command: QuoteCredits, asked_by: UUID, now: datetime) -> Quote:
    offer = Quote(
        id=command.request_id,
        team_id=command.team_id,
        items=tuple(_priced(item, prices) for item in command.items),
        price_version=prices.version,
        asked_by=asked_by,
        quoted_at=now,
        expires_at=now + books.limits.quote_lifetime,
    )
    books.offer(offer)
    return offer


def _priced(item: QuoteItem, prices: PriceList) -> QuotedItem:
    unit = prices.unit(item)
    return QuotedItem(
        operation=item.operation,
        quantity=item.quantity,
        size=item.size,
        quality=item.quality,
        unit_price=unit,
        total=item.quantity * unit,
    )


def _asked(item: QuotedItem) -> QuoteItem:
    return QuoteItem(operation=item.operation, quantity=item.quantity, size=item.size, quality=item.quality)
