from functools import partial

from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts.billing import PeriodOpened
from contracts.credits import CaptureCredits, HoldCredits, ReleaseCredits
from credits.application.capture_credits import capture_credits
from credits.application.hold_credits import hold_credits
from credits.application.open_periods import open_periods
from credits.application.ports import Alarms, Transaction
from credits.application.release_credits import release_credits


def consumers(transaction: Transaction, alarms: Alarms, clock: Clock) -> list[Consumer]:
    """Say which use case handles which message of which queue."""
    hold = partial(hold_credits, transaction=transaction, alarms=alarms, clock=clock)
    capture = partial(capture_credits, transaction=transaction, alarms=alarms, clock=clock)
    release = partial(release_credits, transaction=transaction, alarms=alarms, clock=clock)
    periods = partial(open_periods, transaction=transaction, alarms=alarms, clock=clock)
    return [
        Consumer("credits.commands", {HoldCredits: hold, CaptureCredits: capture, ReleaseCredits: release}),
        Consumer("credits.facts", {PeriodOpened: periods}),
    ]
