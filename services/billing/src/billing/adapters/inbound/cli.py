"""What an operator of billing can do."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from uuid import UUID

from billing.application.set_limits import UnknownTeam
from chassis.commands import Command
from contracts.billing import Limits

SetLimits = Callable[[UUID, dict[str, int]], Awaitable[Limits]]
FIELDS = {
    "running": "jobs that may run at once",
    "open": "jobs that may wait or run at once",
    "per_minute": "requests a minute",
}


def limits(set_limits: SetLimits) -> Command:
    """Offer to allow a team something else than its plan does."""

    def run(given: argparse.Namespace) -> int:
        changes = {name: value for name in FIELDS if (value := getattr(given, name)) is not None}
        try:
            now = asyncio.run(_limits(set_limits, given.team, changes))
        except UnknownTeam:
            print(f"no team {given.team} has a plan", file=sys.stderr)
            return 1
        print(" ".join(f"{name}={getattr(now, name)}" for name in FIELDS))
        return 0

    return Command("Set what a team may do; what is left out stays. Prints its limits.", run, _options)


async def _limits(set_limits: SetLimits, team_id: UUID, changes: dict[str, int]) -> Limits:
    return await set_limits(team_id, changes)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--team", type=UUID, required=True, help="the team's id", metavar="ID")
    for name, meaning in FIELDS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=_positive, metavar="N", help=meaning)


def _positive(written: str) -> int:
    if (number := int(written)) < 1:
        raise ValueError(written)
    return number
