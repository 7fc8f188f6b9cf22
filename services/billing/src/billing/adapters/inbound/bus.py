"""What billing hears on the bus."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from billing.application.buy_packs import Shop, buy_packs
from billing.application.close_team import close_team
from billing.application.open_checkout import open_checkout
from billing.application.open_portal import open_portal
from billing.application.open_team import open_team
from billing.application.ports import Stripe, Transaction
from billing.application.set_auto_top_up import set_auto_top_up
from billing.application.take_events import keep_events, take_events
from chassis.clock import Clock
from chassis.consumer import BatchHandler, Consumer
from contracts.billing import OpenCheckout, OpenPortal, SetAutoTopUp, StripeEvent
from contracts.credits import LowBalance
from contracts.envelope import Delivery
from contracts.gateway import TeamClosed, TeamOpened


def consumers(transaction: Transaction, stripe: Stripe | None, clock: Clock) -> list[Consumer]:
    """Say which use case handles which message of which queue; without Stripe, nothing is bought."""
    take: BatchHandler = partial(keep_events, transaction=transaction)
    buy: BatchHandler = _nothing
    if stripe is not None:
        take = partial(take_events, stripe=stripe, transaction=transaction, clock=clock)
        buy = partial(buy_packs, shop=Shop(stripe, transaction, clock))
    checkout = partial(open_checkout, stripe=stripe, transaction=transaction)
    portal = partial(open_portal, stripe=stripe, transaction=transaction)
    auto = partial(set_auto_top_up, stripe=stripe, transaction=transaction, clock=clock)
    return [
        Consumer(
            "billing.commands",
            {
                OpenCheckout: _each(checkout),
                OpenPortal: _each(portal),
                SetAutoTopUp: _each(auto),
                StripeEvent: take,
            },
        ),
        Consumer(
            "billing.facts",
            {
                TeamOpened: partial(open_team, transaction=transaction, clock=clock),
                TeamClosed: partial(close_team, stripe=stripe, transaction=transaction, clock=clock),
                LowBalance: buy,
            },
        ),
    ]


def _each(handle: Callable[[Delivery[Any]], Awaitable[None]]) -> BatchHandler:
    """Handle commands one by one: each calls Stripe between two transactions of its own."""

    async def handle_all(deliveries: Sequence[Delivery[Any]]) -> None:
        for delivery in deliveries:
            await handle(delivery)

    return handle_all


async def _nothing(_deliveries: Sequence[Delivery[Any]]) -> None:
    return
