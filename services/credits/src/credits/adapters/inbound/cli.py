import sys
from argparse import Namespace

from chassis.clock import Clock
from credits.application.adjust_credits import adjust_credits
from credits.application.ports import Audit, Transaction
from credits.application.verify_ledger import verify_ledger
from credits.domain.account import NotEnoughCredits


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
