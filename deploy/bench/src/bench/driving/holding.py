"""Holds on a stack of which credits alone is left: the bench takes the gateway's place."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from atelier_local.stack import Stack
from bench.driving import load
from chassis.publisher import Publisher

OTHERS = ("gateway", "projector", "deliverer", "jobs", "catalog", "billing")


def leave_credits_alone(stack: Stack) -> None:
    """Stop everybody else, and forget what they were told."""
    for name in OTHERS:
        stack.stop_service(name)
    asyncio.run(_forget_what_was_announced(stack))


async def _forget_what_was_announced(stack: Stack) -> None:
    """Empty what the bench hears on: accounts that were said again look like those it waits for."""
    bus = load.Bus(Publisher(_bus(stack)))
    await load.empty(bus, (load.HEARD_ON, *load.UNHEARD))
    await bus.publisher.close()


async def warm(stack: Stack, teams: Sequence[UUID], number: int) -> None:
    """Give the teams credits, and hold some: plans are made, caches are filled."""
    async with load.on_the_bus(_bus(stack)) as bus:
        await load.give_credits(bus, teams)
        await load.throughput(bus, load.asked(teams, number))


async def held(stack: Stack, teams: Sequence[UUID], number: int) -> float:
    """Ask for so many holds; returns holds a second."""
    async with load.on_the_bus(_bus(stack)) as bus:
        rate = await load.throughput(bus, load.asked(teams, number))
        await load.empty(bus)
    return rate


def _bus(stack: Stack) -> str:
    return stack.nodes.rabbitmq.url(stack.plan.vhost)
