"""What billing hears on the bus."""

from collections.abc import Sequence
from typing import Any

from billing.application.open_team import open_team
from billing.application.ports import Transaction
from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts.envelope import Delivery
from contracts.gateway import TeamOpened


def facts(transaction: Transaction, clock: Clock) -> Consumer:
    """Hear of new teams."""

    async def open_(deliveries: Sequence[Delivery[Any]]) -> None:
        await open_team(deliveries, transaction, clock)

    return Consumer("billing.facts", {TeamOpened: open_})
