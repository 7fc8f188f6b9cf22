"""A team hears once that it runs low, and again only after it had enough."""

from contracts.credits import LowBalance
from credits.domain.account import Account


def ran_low(account: Account, threshold: int) -> LowBalance | None:
    """Say that this batch took what can be spent below the threshold; None when it was there before.

    Only crossing it counts, so nothing needs to be remembered: to cross it again a team must have been above.
    """
    first, last = account.postings[0], account.postings[-1]
    before = first.balance_after - first.amount
    if not before >= threshold > last.balance_after:
        return None
    return LowBalance(team_id=account.team_id, spendable=last.balance_after, threshold=threshold, at=last.at)
