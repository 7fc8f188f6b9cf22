"""A team hears once that it runs low, and again only after it had enough."""

from datetime import datetime

from contracts.credits import LowBalance
from credits.domain.account import Account


def ran_low(account: Account, threshold: int) -> list[LowBalance]:
    """Say below which thresholds this batch took what can be spent: the common one and the team's own.

    Only crossing one counts, so nothing needs to be remembered: to cross it again a team must have been
    above. A pack that is not enough to get above the team's own threshold counts too: it may want another.
    """
    first, last = account.postings[0], account.postings[-1]
    before, after = first.balance_after - first.amount, last.balance_after
    crossed = {limit for limit in (threshold, account.alert_below) if before >= limit > after}
    if after < account.alert_below and any(posting.kind == "top_up" for posting in account.postings):
        crossed.add(account.alert_below)
    return [_low(account, limit, last.at) for limit in sorted(crossed)]


def is_low(account: Account, now: datetime) -> list[LowBalance]:
    """Say that a team can spend less than the threshold it has just set."""
    return [_low(account, account.alert_below, now)] if account.spendable < account.alert_below else []


def _low(account: Account, threshold: int, at: datetime) -> LowBalance:
    return LowBalance(
        team_id=account.team_id,
        spendable=account.spendable,
        threshold=threshold,
        at=at,
        version=account.version,
    )
