from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """What an operator may set.

    `quote_lifetime` is how long a quote binds; a team is warned when it can spend less than `low_balance`
    credits (0: never), and holds nothing new while it owes more than `uncollected`.
    """

    quote_lifetime: timedelta = timedelta(minutes=15)
    low_balance: int = 0
    uncollected: int = 50
