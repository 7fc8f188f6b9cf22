"""`atelier`: run one command; say in one line what went wrong, and in the exit status of what kind it was."""

import json
import os
import sys
from collections.abc import Sequence

from pydantic import BaseModel

from atelier.cli.commands import COMMANDS
from atelier.cli.options import parser
from atelier.cli.words import describe
from atelier.client import Atelier
from atelier.problems import (
    AtelierError,
    Declined,
    Invalid,
    NotAuthenticated,
    NotPermitted,
    ServerFailed,
    TookTooLong,
    TooMuch,
    Unreachable,
)

DONE, FAILED, USAGE, DECLINED, UNREACHABLE, FORBIDDEN, GOES_ON, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130
_STATUSES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], int], ...] = (
    (Declined, DECLINED),
    ((Unreachable, ServerFailed, TooMuch), UNREACHABLE),
    ((NotAuthenticated, NotPermitted), FORBIDDEN),
    (TookTooLong, GOES_ON),
    (Invalid, USAGE),
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
    said = error.args[0] if isinstance(error, LookupError) and error.args else error
    numbers = ""
    if isinstance(error, Declined):
        numbers = f" ({error.required} required, {error.spendable} spendable)"
    print(f"atelier: {said}{numbers}", file=sys.stderr)
    return next((status for kinds, status in _STATUSES if isinstance(error, kinds)), FAILED)


if __name__ == "__main__":
    sys.exit(main())
