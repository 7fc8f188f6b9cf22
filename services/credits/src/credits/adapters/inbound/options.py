"""What each operator command asks for."""

import getpass
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from uuid import UUID

from credits.adapters.inbound.cli import moment

MOST = 1_000_000_000
"""Credits an operator gives or takes at once; more is a slip of the hand."""


def adjustment(parser: ArgumentParser) -> None:
    """Ask for what to give or take."""
    _team(parser)
    parser.add_argument(
        "--amount", type=_amount, required=True, help="credits to give, or, below zero, to take"
    )
    _reason(parser)


def bonus(parser: ArgumentParser) -> None:
    """Ask for what to give, and until when."""
    _team(parser)
    parser.add_argument("--credits", type=int, required=True, help="how many to give")
    parser.add_argument(
        "--expires",
        type=_later,
        required=True,
        help="when they expire, like 2026-12-01T00:00:00Z; the next period clears them sooner",
    )
    _reason(parser)


def refund(parser: ArgumentParser) -> None:
    """Ask for the job to refund."""
    parser.add_argument("--job", type=UUID, required=True, help="the job's id")
    parser.add_argument("--credits", type=int, help="give back so many; without it all that was charged")
    _reason(parser)


def freeze(parser: ArgumentParser) -> None:
    """Ask whom to freeze."""
    _team(parser)
    _reason(parser)
    parser.set_defaults(frozen=True)


def unfreeze(parser: ArgumentParser) -> None:
    """Ask whom to unfreeze."""
    freeze(parser)
    parser.set_defaults(frozen=False)


def statement(parser: ArgumentParser) -> None:
    """Ask for whose month to print."""
    _team(parser)
    parser.add_argument("--month", type=_month, required=True, help="like 2026-11, in UTC")


def repair(parser: ArgumentParser) -> None:
    """Ask whether to repair."""
    parser.add_argument("--apply", action="store_true", help="post the transactions; without it, list them")
    parser.add_argument(
        "--most", type=int, default=1000, help="credits it may give back; more, and a person must look"
    )
    _by(parser)


def announcement(parser: ArgumentParser) -> None:
    """Ask whose account to announce."""
    parser.add_argument("--team", type=UUID, help="one team's account; without it, all and the price list")


def _team(parser: ArgumentParser) -> None:
    parser.add_argument("--team", type=UUID, required=True, help="the team's id")


def _reason(parser: ArgumentParser) -> None:
    parser.add_argument("--reason", type=_words, required=True, help="why; the team reads it in its history")
    _by(parser)


def _by(parser: ArgumentParser) -> None:
    parser.add_argument("--by", type=_words, default=_operator(), help="who does it; noted in the ledger")


def _operator() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return None


def _later(written: str) -> datetime:
    at = moment(written)
    if at is None:
        raise ArgumentTypeError("now is no time to expire")
    return at


def _amount(written: str) -> int:
    try:
        number = int(written)
    except ValueError:
        raise ArgumentTypeError(f"invalid amount value: {written!r}") from None
    if not 0 < abs(number) <= MOST:
        raise ArgumentTypeError(f"invalid amount value: {written!r}")
    return number


def _words(written: str) -> str:
    if not written.strip():
        raise ArgumentTypeError("must not be empty")
    return written.strip()


def _month(written: str) -> tuple[datetime, datetime]:
    try:
        start = datetime.strptime(written, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError(f"{written!r} is not like 2026-11") from None
    return start, start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
