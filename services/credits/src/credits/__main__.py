import asyncio
from argparse import ArgumentParser, Namespace
from uuid import UUID

from chassis.commands import Command, main
from chassis.migrate import migrate
from chassis.service import run
from chassis.settings import load
from credits import bootstrap
from credits.adapters.inbound.cli import moment
from credits.settings import Settings


def _serve(_options: Namespace) -> None:
    asyncio.run(run(bootstrap.build(load(Settings))))


def _migrate(_options: Namespace) -> None:
    migrate(load(Settings), "credits")


def _verify(options: Namespace) -> int:
    return bootstrap.verify(load(Settings), options)


def _adjust(options: Namespace) -> int:
    return bootstrap.adjust(load(Settings), options)


def _publish_prices(options: Namespace) -> int:
    return bootstrap.publish_prices(load(Settings), options)


def _publication(parser: ArgumentParser) -> None:
    parser.add_argument("file", help='JSON: {"prices": [...]}, as GET /api/credits/pricing shows them')
    parser.add_argument(
        "--at", type=moment, required=True, help="when it comes into force: now, or like 2026-12-01T00:00:00Z"
    )


def _adjustment(parser: ArgumentParser) -> None:
    parser.add_argument("--team", type=UUID, required=True, help="the team's id")
    parser.add_argument("--amount", type=int, required=True, help="credits to give, or, below zero, to take")
    parser.add_argument("--reason", required=True, help="why; the team reads it in its history")


COMMANDS = {
    "serve": Command("run the service", _serve),
    "migrate": Command("bring the schema and the topology of the bus up to date", _migrate),
    "verify": Command("audit the ledger; reads only, exits with 1 when something is found", _verify),
    "adjust": Command("give a team credits, or take some it can spend", _adjust, _adjustment),
    "publish-prices": Command(
        "publish a price list that comes into force at a time", _publish_prices, _publication
    ),
}

if __name__ == "__main__":
    main("credits", COMMANDS)
