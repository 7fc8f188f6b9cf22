import csv
import sys
from argparse import ArgumentTypeError, Namespace
from datetime import datetime
from pathlib import Path

from chassis.clock import Clock
from contracts.orders import Operation
from credits.adapters.inbound.price_file import read_prices
from credits.application.adjust_credits import adjust_credits
from credits.application.announce_accounts import NothingIsSent, announce_accounts
from credits.application.freeze_account import set_account_frozen
from credits.application.grant_bonus import grant_bonus
from credits.application.ports import Audit, Transaction
from credits.application.publish_prices import PricesOfThePast, publish_prices
from credits.application.refund_captured_job import refund_captured_job
from credits.application.repair_ledger import TooMuchToRepair, apply_repairs, find_repairs
from credits.application.verify_ledger import verify_ledger
from credits.application.write_statement import write_statement
from credits.domain.account import Account, NotEnoughCredits, UnknownTeam
from credits.domain.books import ConflictingContent
from credits.domain.compensating import NothingToRefund
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
        account = await adjust_credits(
            options.team, options.amount, options.reason, transaction, clock, options.by
        )
    except (NotEnoughCredits, ValueError) as error:
        return _refused("not adjusted", error)
    return _stands(account)


async def grant(options: Namespace, transaction: Transaction, clock: Clock) -> int:
    """Grant a bonus and print how the account stands."""
    try:
        account = await grant_bonus(
            options.team, options.credits, options.expires, options.reason, options.by, transaction, clock
        )
    except (UnknownTeam, ValueError) as error:
        return _refused("not granted", error)
    return _stands(account)


async def refund(options: Namespace, transaction: Transaction, clock: Clock) -> int:
    """Give back what a job was charged and print how the account stands; again it says that it is done."""
    try:
        done = await refund_captured_job(
            options.job, options.credits, options.reason, options.by, transaction, clock
        )
    except (NothingToRefund, ConflictingContent, ValueError) as error:
        return _refused("not refunded", error)
    print(f"job {options.job}: {done.amount} credits {'were refunded before' if done.again else 'refunded'}")
    return _stands(done.account)


async def set_frozen(options: Namespace, transaction: Transaction, clock: Clock) -> int:
    """Freeze or unfreeze an account and print which it is."""
    try:
        account, changed = await set_account_frozen(
            options.team, options.reason, options.by, transaction, clock, frozen=options.frozen
        )
    except (UnknownTeam, ValueError) as error:
        return _refused("nothing changed", error)
    state = f"{'frozen' if account.frozen else 'not frozen'}{'' if changed else ', as before'}"
    disputed = f"; {account.disputes} open disputes keep it frozen" if account.disputes else ""
    print(f"team {account.team_id}: {state}{disputed} (version {account.version})")
    return 0


async def statement(options: Namespace, transaction: Transaction, _clock: Clock) -> int:
    """Print a month as CSV; 1 when it does not add up."""
    start, end = options.month
    try:
        drawn = await write_statement(options.team, start, end, transaction)
    except UnknownTeam as error:
        return _refused("no statement", error)
    csv.writer(sys.stdout, lineterminator="\n").writerows(drawn.rows())
    problems = list(drawn.problems())
    for problem in problems:
        print(f"does not add up: {problem}", file=sys.stderr)
    return 1 if problems else 0


async def repair(options: Namespace, transaction: Transaction, clock: Clock) -> int:
    """Print what a repair would do, or do it; 1 while something is left."""
    if not options.apply:
        found = await find_repairs(transaction)
        print(*found, f"repair: {len(found)} found, nothing changed", sep="\n")
        return 1 if found else 0
    try:
        mended, left = await apply_repairs(options.most, options.by, transaction, clock)
    except TooMuchToRepair as error:
        return _refused("nothing repaired", error)
    print(*mended, *left, f"repair: {len(mended)} mended, {len(left)} left", sep="\n")
    return 1 if left else 0


async def announce(options: Namespace, transaction: Transaction, clock: Clock) -> int:
    """Say documents again and print how many; 1 when nobody sends them."""
    try:
        said = await announce_accounts(options.team, transaction, clock)
    except (UnknownTeam, NothingIsSent) as error:
        return _refused("not announced", error)
    print(f"announced: {said} accounts" if options.team else f"announced: the price list, {said} accounts")
    return 0


def _refused(what: str, why: Exception) -> int:
    print(f"{what}: {why}", file=sys.stderr)
    return 1


def _stands(account: Account) -> int:
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
