"""What time it is at Stripe: its moments are compared with ours, and no two clocks are the same."""

from datetime import datetime, timedelta

BEHIND = timedelta(seconds=10)
"""How far Stripe's clock may be behind ours."""


def at_stripe(now: datetime) -> datetime:
    """Say what time it is at Stripe at the earliest, in whole seconds as it counts them.

    Everything that time alone brings is judged by it. So a month of Free has always begun before a plan that
    is bought a moment later, and never replaces what was paid for.
    """
    return (now - BEHIND).replace(microsecond=0)
