from functools import partial

from billing.application.open_months import open_months
from billing.application.ports import Transaction
from chassis.clock import Clock
from chassis.schedule import Schedule


def months(transaction: Transaction, clock: Clock) -> Schedule:
    """Look for Free teams whose month is over; any number of processes may look."""
    return Schedule("free-months", 30, partial(open_months, transaction, clock))
