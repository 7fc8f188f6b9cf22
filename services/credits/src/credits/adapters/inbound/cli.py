import sys
from argparse import ArgumentTypeError, Namespace
from datetime import datetime
from pathlib import Path

from chassis.clock import Clock
from contracts.orders import Operation
from credits.adapters.inbound.price_file import read_prices
from credits.application.adjust_credits import adjust_credits
from credits.application.ports import Audit, Transaction
from credits.application.publish_prices import PricesOfThePast, publish_prices
from credits.application.verify_ledger import verify_ledger
from credits.domain.account import NotEnoughCredits
from credits.domain.pricing import InvalidPrices, Price


async def verify(audit: Audit) -> int:
    """Print the audit; 0 when clean, 1 with findings."""
    report = await verify_ledger(audit)
    print("\n".join(report.lines()))
    print(f"ledger: {report.findings} findings" if report.findings else "ledger: clean")
    return 1 if report.findings else 0


async def adjust(options: Namespace, transaction: Transaction, clock: Clock) -> int:
    """Adjust one account and print how it stands; 1 when it has not enough."""
    try:
        account = await adjust_credits(options.team, options.amount, options.reason, transaction, clock)
    except NotEnoughCredits as error:
        print(f"not adjusted: {error}", file=sys.stderr)
        return 1
    print(f"team {account.team_id}: {account.spendable} credits can be spent (version {account.version})")
    return 0


async def publish(options: Namespace, transaction: Transaction, clock: Clock) -> int:
    """Publish a price list and print when it comes into force; 1 when it cannot be, with every reason."""
    try:
        published = await publish_prices(_prices_in(options.file), options.at, transaction, clock)
    except InvalidPrices as error:
        print("not published:", *error.problems, sep="\n  ", file=sys.stderr)
        return 1
    except (OSError, PricesOfThePast) as error:
        print(f"not published: {error}", file=sys.stderr)
        return 1
    print(f"price list {published.version} comes into force at {published.effective_at.isoformat()}")
    for version in published.overruled:
        print(f"price list {version}, planned for then or later, never does")
    return 0


def _prices_in(path: str) -> dict[Operation, Price]:
    return read_prices(Path(path).read_bytes())


def moment(written: str) -> datetime | None:
    """Read a moment, None for `now`; one without a time zone could mean any of several."""
    if written == "now":
        return None
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        raise ArgumentTypeError(f"{written!r} is neither now nor like 2026-12-01T00:00:00Z") from None
    if read.tzinfo is None:
        raise ArgumentTypeError(f"{written!r} has no time zone; write {written}Z for UTC")
    return read
