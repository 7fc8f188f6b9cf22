"""The command line every service has: `python -m <service> serve | migrate | <operator commands>`."""

import argparse
import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import uvloop

Run = Callable[[argparse.Namespace], int | None]


def _no_options(_parser: argparse.ArgumentParser) -> None:
    return


@dataclass(frozen=True)
class Command:
    """One subcommand: what it does in a line, its options, and the function that returns its exit status."""

    help: str
    run: Run
    options: Callable[[argparse.ArgumentParser], None] = field(default=_no_options)


def forever(serving: Coroutine[Any, Any, None]) -> None:
    """Serve until told to stop, on uvloop: each turn of the loop costs a part of what it costs in Python."""
    uvloop.run(serving)


def main(package: str, commands: Mapping[str, Command], arguments: list[str] | None = None) -> None:
    """Run the subcommand that was asked for and exit with its status."""
    parser = argparse.ArgumentParser(prog=f"python -m {package}")
    chosen = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in commands.items():
        sub = chosen.add_parser(name, help=command.help, description=command.help)
        command.options(sub)
        sub.set_defaults(run=command.run)
    parsed = parser.parse_args(arguments)
    sys.exit(parsed.run(parsed) or 0)
