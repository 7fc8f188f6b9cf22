"""`atelier`: run one command; say in one line what went wrong, and in the exit status of what kind it was."""

import json
import os
import sys
from collections.abc import Sequence

from pydantic import BaseModel

from atelier.cli.commands import COMMANDS
from atelier.cli.options import parser
from atelier.cli.words import describe
from atelier.client import KEY, Atelier
from atelier.problems import (
    AtelierError,
    Declined,
    Invalid,
    Misplaced,
    NotAuthenticated,
    NotPermitted,
    NotUnderstood,
    ServerFailed,
    TookTooLong,
    TooMuch,
    Unreachable,
)

DONE, FAILED, USAGE, DECLINED, UNREACHABLE, FORBIDDEN, GOES_ON, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130
_STATUSES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], int], ...] = (
    (Declined, DECLINED),
    ((Unreachable, NotUnderstood, ServerFailed, TooMuch), UNREACHABLE),
    ((NotAuthenticated, NotPermitted), FORBIDDEN),
    (TookTooLong, GOES_ON),
    ((Invalid, Misplaced, FileNotFoundError), USAGE),
)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    wanted = parser().parse_args(words)
    command = COMMANDS[wanted.command, getattr(wanted, "verb", None)]
    try:
        with Atelier(wanted.url, wanted.api_key) as atelier:
            for found in command(atelier, wanted):
                print(_as_json(found) if wanted.json else describe(found), flush=True)
    except (AtelierError, LookupError, OSError) as error:
        return _failed(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    return DONE


def _as_json(found: object) -> str:
    """Write a document in a line of JSON; a file as its path."""
    return found.model_dump_json() if isinstance(found, BaseModel) else json.dumps({"path": str(found)})


def _failed(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    print(f"atelier: {_said(error)}", file=sys.stderr)
    return next((status for kinds, status in _STATUSES if isinstance(error, kinds)), FAILED)


def _said(error: Exception) -> str:
    """Say in one line what is wrong and, where it is not plain, what to do."""
    match error:
        case Declined():
            return f"{error} ({error.required} required, {error.spendable} spendable)"
        case NotAuthenticated():
            return f"{error} Keys are made in the dashboard; say yours in ${KEY}."
        case LookupError() if error.args:
            return str(error.args[0])
        case OSError(filename=str(name), strerror=str(reason)):
            return f"{name}: {reason}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
