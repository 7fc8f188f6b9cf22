"""Commands as operators type them, and jobs that were charged."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from services.credits.tests.conftest import Credits
from services.credits.tests.stories import ask, captured, order

from contracts.credits import AccountChanged
from credits.adapters.inbound import cli, options

Type = Callable[..., Awaitable[int]]
COMMANDS = {
    "adjust": (cli.adjust, options.adjustment),
    "grant-bonus": (cli.grant, options.bonus),
    "refund": (cli.refund, options.refund),
    "freeze": (cli.set_frozen, options.freeze),
    "unfreeze": (cli.set_frozen, options.unfreeze),
    "statement": (cli.statement, options.statement),
    "repair": (cli.repair, options.repair),
    "announce": (cli.announce, options.announcement),
}


async def said(service: Credits) -> AccountChanged:
    (account,) = await service.store.said()
    return account


async def charged(service: Credits, team: UUID, quantity: int = 4, **terms: object):
    asked = ask(team, order(quantity), **terms)
    await service.tell(asked)
    await service.tell(captured(asked, quantity))
    return asked
