"""What the gateway does from time to time."""

from functools import partial

from chassis.clock import Clock
from chassis.schedule import Schedule
from gateway.application.ports import Transaction
from gateway.application.resend_requests import resend_requests
from gateway.application.tidy_up import tidy_up


def resending(transaction: Transaction, clock: Clock) -> Schedule:
    """Ask again where no verdict has come; any number of processes may look."""
    return Schedule("resend", 5, partial(resend_requests, transaction, clock))


def tidying(transaction: Transaction, clock: Clock) -> Schedule:
    """Forget what is old."""
    return Schedule("tidy-up", 600, partial(tidy_up, transaction, clock))
