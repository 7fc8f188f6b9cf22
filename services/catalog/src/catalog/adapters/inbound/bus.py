"""What catalog hears on the bus."""

from collections.abc import Sequence
from typing import Any

from catalog.application.change_models import change_models
from catalog.application.close_teams import close_teams
from catalog.application.follow_jobs import follow_jobs
from catalog.application.ports import Transaction
from chassis.clock import Clock
from chassis.consumer import BatchHandler, Consumer
from contracts.catalog import ActivateVersion, DeleteModel, UpdateModel
from contracts.credits import CreditsHeld
from contracts.envelope import Delivery
from contracts.gateway import TeamClosed
from contracts.jobs import JobChanged
from contracts.message import Message

PAUSE = 0.2
"""Seconds between batches: each generation passes here, and nobody waits for what is counted of it."""


def facts(transaction: Transaction, clock: Clock) -> Consumer:
    """Hear of trainings that are paid for and of jobs as they go; in one batch, in the order they came."""

    async def follow(deliveries: Sequence[Delivery[Any]]) -> None:
        await follow_jobs(deliveries, transaction, clock)

    async def close(deliveries: Sequence[Delivery[TeamClosed]]) -> None:
        await close_teams(deliveries, transaction, clock)

    heard: dict[type[Message], BatchHandler] = {CreditsHeld: follow, JobChanged: follow, TeamClosed: close}
    return Consumer("catalog.facts", heard, hot=True, pause=PAUSE)


def commands(transaction: Transaction, clock: Clock) -> Consumer:
    """Hear what teams want changed about their models."""

    async def change(deliveries: Sequence[Delivery[Any]]) -> None:
        await change_models(deliveries, transaction, clock)

    return Consumer("catalog.commands", dict.fromkeys((ActivateVersion, DeleteModel, UpdateModel), change))
