"""Ask billing for a page to pay on, for the portal, or to buy packs by itself."""

from contracts.billing import Interval, OpenCheckout, OpenPortal, SetAutoTopUp
from contracts.message import Message
from gateway.application.ask import Asked, Asking, ask
from gateway.application.ports import Work
from gateway.domain.asks import Errand
from gateway.domain.requests import Request


async def ask_checkout(
    request: Request,
    asking: Asking,
    *,
    success_url: str,
    cancel_url: str,
    plan: str | None = None,
    interval: Interval = "month",
    pack: str | None = None,
) -> Asked:
    """Ask for the page where a plan, or a pack, is paid for; the verdict carries its address."""
    command = OpenCheckout(
        request_id=request.id,
        team_id=request.team_id,
        plan=plan,
        interval=interval,
        pack=pack,
        success_url=success_url,
        cancel_url=cancel_url,
    )
    return await _ask(request, command, asking)


async def ask_portal(request: Request, return_url: str, asking: Asking) -> Asked:
    """Ask for the page where a team changes its plan and card; the verdict carries its address."""
    command = OpenPortal(request_id=request.id, team_id=request.team_id, return_url=return_url)
    return await _ask(request, command, asking)


async def ask_auto_top_up(
    request: Request, *, enabled: bool, threshold: int, pack: str | None, monthly_cap: int, asking: Asking
) -> Asked:
    """Ask that packs are bought when the credits run low, or no more."""
    command = SetAutoTopUp(
        request_id=request.id,
        team_id=request.team_id,
        enabled=enabled,
        threshold=threshold,
        pack=pack,
        monthly_cap=monthly_cap,
    )
    return await _ask(request, command, asking)


async def _ask(request: Request, command: Message, asking: Asking) -> Asked:
    async def errand(_work: Work) -> Errand:
        return Errand(command)

    return await ask(request, errand, asking)
