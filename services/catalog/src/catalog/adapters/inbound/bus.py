"""What catalog hears on the bus."""

from collections.abc import Sequence
from typing import Any

from catalog.application.follow_jobs import follow_jobs
from catalog.application.ports import Transaction
from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts.credits import CreditsHeld
from contracts.envelope import Delivery
from contracts.jobs import JobChanged


def facts(transaction: Transaction, clock: Clock) -> Consumer:
    """Hear of trainings that are paid for and of jobs as they go; in one batch, in the order they came."""

    async def follow(deliveries: Sequence[Delivery[Any]]) -> None:
        await follow_jobs(deliveries, transaction, clock)

    return Consumer("catalog.facts", {CreditsHeld: follow, JobChanged: follow})
