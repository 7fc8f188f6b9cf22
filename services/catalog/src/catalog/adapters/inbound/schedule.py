from functools import partial

from catalog.application.ports import Transaction
from catalog.application.tell_popularity import tell_popularity
from chassis.clock import Clock
from chassis.schedule import Schedule


def popularity(transaction: Transaction, clock: Clock) -> Schedule:
    """Look for uses that are not told yet."""
    return Schedule("popularity", 15, partial(tell_popularity, transaction, clock))
