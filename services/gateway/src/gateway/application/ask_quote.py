"""Ask what work would cost, as an offer that binds."""

from contracts.credits import CreditsQuoted, QuoteItem
from gateway.application.ask import Asked, Asking, ask
from gateway.application.ports import Work
from gateway.application.reading import Views
from gateway.domain.asks import Errand, quote
from gateway.domain.requests import Request


async def ask_quote(
    request: Request, items: tuple[QuoteItem, ...], asking: Asking, views: Views
) -> tuple[Asked, CreditsQuoted | None]:
    """Ask for an offer; without one in time the same request can be repeated for it."""

    async def errand(_work: Work) -> Errand:
        return quote(request.id, request.team_id, items)

    asked = await ask(request, errand, asking)
    offer = await views.quote(request.team_id, asked.request.id) if asked.granted else None
    return asked, offer
