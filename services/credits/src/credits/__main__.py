from argparse import ArgumentParser, Namespace
from functools import partial

from chassis.commands import Command, forever, main
from chassis.lifting import lifting
from chassis.migrate import migrate
from chassis.parked import parked
from chassis.service import run
from chassis.settings import load
from credits import bootstrap
from credits.adapters.inbound import cli, options
from credits.adapters.inbound.cli import moment
from credits.bootstrap import OperatorCommand
from credits.settings import Settings


def _serve(_options: Namespace) -> None:
    forever(run(bootstrap.build(load(Settings))))


def _migrate(_options: Namespace) -> None:
    migrate(load(Settings), "credits")


def _verify(options: Namespace) -> int:
    return bootstrap.verify(load(Settings), options)


def _operate(command: OperatorCommand, options: Namespace) -> int:
    return bootstrap.operate(load(Settings), command, options)


def _publication(parser: ArgumentParser) -> None:
    parser.add_argument("file", help='JSON: {"prices": [...]}, as GET /api/credits/pricing shows them')
    parser.add_argument(
        "--at", type=moment, required=True, help="when it comes into force: now, or like 2026-12-01T00:00:00Z"
    )


COMMANDS = {
    "serve": Command("run the service", _serve),
    "migrate": Command("bring the schema and the topology of the bus up to date", _migrate),
    "verify": Command("audit the ledger; reads only, exits with 1 when something is found", _verify),
    "repair": Command(
        "list what the ledger books beyond the holds, or give it back; exits with 1 while something is left",
        partial(_operate, cli.repair),
        options.repair,
    ),
    "adjust": Command(
        "give a team credits, or take some it can spend", partial(_operate, cli.adjust), options.adjustment
    ),
    "grant-bonus": Command("give a team credits that expire", partial(_operate, cli.grant), options.bonus),
    "refund": Command(
        "give back what a job was charged; once", partial(_operate, cli.refund), options.refund
    ),
    "freeze": Command(
        "let a team hold nothing new; what is held goes on", partial(_operate, cli.set_frozen), options.freeze
    ),
    "unfreeze": Command("let a team hold credits again", partial(_operate, cli.set_frozen), options.unfreeze),
    "statement": Command(
        "print a team's month as CSV; exits with 1 when it does not add up",
        partial(_operate, cli.statement),
        options.statement,
    ),
    "parked": parked("credits"),
    "lift": lifting(bootstrap.lift),
    "announce": Command(
        "say accounts and the price list again, to mend views",
        partial(_operate, cli.announce),
        options.announcement,
    ),
    "publish-prices": Command(
        "publish a price list that comes into force at a time", partial(_operate, cli.publish), _publication
    ),
}

if __name__ == "__main__":
    main("credits", COMMANDS)
