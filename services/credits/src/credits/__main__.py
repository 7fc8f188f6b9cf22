import asyncio
from argparse import ArgumentParser, Namespace
from uuid import UUID

from chassis.commands import Command, main
from chassis.migrate import migrate
from chassis.service import run
from chassis.settings import load
from credits import bootstrap
from credits.settings import Settings

MOST = 1_000_000_000
"""Credits an operator gives or takes at once; more is a slip of the hand."""


def _serve(_options: Namespace) -> None:
    asyncio.run(run(bootstrap.build(load(Settings))))


def _migrate(_options: Namespace) -> None:
    migrate(load(Settings), "credits")


def _verify(options: Namespace) -> int:
    return bootstrap.verify(load(Settings), options)


def _adjust(options: Namespace) -> int:
    return bootstrap.adjust(load(Settings), options)


def _adjustment(parser: ArgumentParser) -> None:
    parser.add_argument("--team", type=UUID, required=True, help="the team's id")
    parser.add_argument(
        "--amount", type=amount, required=True, help="credits to give, or, below zero, to take"
    )
    parser.add_argument("--reason", type=reason, required=True, help="why; the team reads it in its history")


def amount(written: str) -> int:
    """Read how much to give or take; argparse names this function when it cannot."""
    if not 0 < abs(number := int(written)) <= MOST:
        raise ValueError(written)
    return number


def reason(written: str) -> str:
    """Read why; argparse names this function when nothing is said."""
    if not (words := written.strip()):
        raise ValueError(written)
    return words


COMMANDS = {
    "serve": Command("run the service", _serve),
    "migrate": Command("bring the schema and the topology of the bus up to date", _migrate),
    "verify": Command("audit the ledger; reads only, exits with 1 when something is found", _verify),
    "adjust": Command("give a team credits, or take some it can spend", _adjust, _adjustment),
}

if __name__ == "__main__":
    main("credits", COMMANDS)
