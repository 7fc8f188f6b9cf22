"""Buy a pack when the credits run low: decide, call, record."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from billing.application.look import Source, look
from billing.application.ports import Declined, Stripe, Transaction
from billing.domain.topping_up import Purchase, is_wanted, month_of, paused
from chassis.clock import Clock
from contracts.credits import LowBalance
from contracts.envelope import Delivery

logger = logging.getLogger(__name__)
PATIENCE = timedelta(minutes=2)
GIVEN_UP = timedelta(hours=20)
"""Stripe remembers what was asked under an id for a day: within it, to ask again is to ask the same."""
BATCH = 20


@dataclass(frozen=True, slots=True)
class Shop:
    """What buying needs."""

    stripe: Stripe
    transaction: Transaction
    clock: Clock


async def buy_packs(deliveries: Sequence[Delivery[LowBalance]], shop: Shop) -> None:
    """Buy a pack for each team that wants it and runs low; never a second while one is in flight."""
    for delivery in deliveries:
        purchase = await _start(delivery, shop)
        if purchase is not None:
            await _buy(purchase, shop, delivery)


async def finish_purchases(shop: Shop) -> None:
    """Ask again about purchases whose end is not known: the answer was lost, or this process died."""
    async with shop.transaction() as work:
        stuck = await work.top_ups.stuck(shop.clock() - PATIENCE, BATCH)
    for purchase in stuck:
        finish = _buy if shop.clock() - purchase.started_at < GIVEN_UP else _give_up
        try:
            await finish(purchase, shop)
        except Exception as error:  # noqa: BLE001 - told, and tried again later; it keeps nobody else waiting
            logger.warning("purchase %s cannot be finished now: %s", purchase.id, type(error).__name__)


async def _start(delivery: Delivery[LowBalance], shop: Shop) -> Purchase | None:
    """Start a purchase, unless none is wanted or it would cost more than the team allows."""
    now, low = shop.clock(), delivery.message
    team_id = low.team_id
    async with shop.transaction() as work:
        if await work.subscriptions.lock(team_id) is None:
            return None
        wish = await work.top_ups.wish(team_id)
        spent = await work.top_ups.spent(team_id, month_of(now))
        purchase = Purchase.of(delivery.message_id, low, wish.pack, now)
        if purchase is None or not is_wanted(wish, low, await work.top_ups.answered(team_id)):
            return None
        if spent + purchase.amount > wish.monthly_cap:
            await work.top_ups.wants(team_id, paused(wish, now))
            # The look shows it, and the one of next month resumes.
            await work.subscriptions.look_again(team_id, now)
            return None
        return purchase if await work.top_ups.start(purchase) else None


async def _buy(purchase: Purchase, shop: Shop, cause: Source = None) -> None:
    async with shop.transaction() as work:
        customer = await work.customers.find(purchase.team_id)
    try:
        if customer.customer_id is None:
            raise Declined("There is no card to charge.")
        await shop.stripe.buy(purchase, customer.customer_id)
    except Declined as no:
        await _stop(purchase, str(no), shop)
    await look(purchase.team_id, shop.stripe, shop.transaction, shop.clock, cause)


async def _stop(purchase: Purchase, why: str, shop: Shop) -> None:
    """Buy nothing more by itself until the team says so: a card that was declined is not tried again."""
    async with shop.transaction() as work:
        await work.subscriptions.lock(purchase.team_id)
        await work.top_ups.end(purchase.ended(paid=False))
        wish = await work.top_ups.wish(purchase.team_id)
        words = f"Automatic top-ups have stopped: {why}"
        stopped = {"stopped": words, "stopped_at": shop.clock(), "resumes_at": None}
        await work.top_ups.wants(purchase.team_id, wish.model_copy(update=stopped))


async def _give_up(purchase: Purchase, shop: Shop) -> None:
    """Look whether it was paid after all; if not, let the next one be bought."""
    await look(purchase.team_id, shop.stripe, shop.transaction, shop.clock)
    async with shop.transaction() as work:
        await work.top_ups.end(purchase.ended(paid=False))
