from functools import partial

from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts.billing import BillingChanged, PaymentDisputed, PaymentRefunded, PeriodOpened, TopUpPaid
from contracts.credits import CaptureCredits, HoldCredits, QuoteCredits, ReleaseCredits
from contracts.gateway import TeamClosed
from credits.application.add_top_ups import add_top_ups
from credits.application.capture_credits import capture_credits
from credits.application.close_accounts import close_accounts
from credits.application.dispute_payments import dispute_payments
from credits.application.hold_credits import hold_credits
from credits.application.open_periods import open_periods
from credits.application.ports import Alarms, Transaction
from credits.application.quote_credits import quote_credits
from credits.application.refund_payments import refund_payments
from credits.application.release_credits import release_credits
from credits.application.watch_balances import watch_balances


def consumers(transaction: Transaction, alarms: Alarms, clock: Clock) -> list[Consumer]:
    """Say which use case handles which message of which queue."""
    hold = partial(hold_credits, transaction=transaction, alarms=alarms, clock=clock)
    capture = partial(capture_credits, transaction=transaction, alarms=alarms, clock=clock)
    release = partial(release_credits, transaction=transaction, alarms=alarms, clock=clock)
    quote = partial(quote_credits, transaction=transaction, alarms=alarms, clock=clock)
    periods = partial(open_periods, transaction=transaction, alarms=alarms, clock=clock)
    top_ups = partial(add_top_ups, transaction=transaction, alarms=alarms, clock=clock)
    refunds = partial(refund_payments, transaction=transaction, alarms=alarms, clock=clock)
    disputes = partial(dispute_payments, transaction=transaction, alarms=alarms, clock=clock)
    watch = partial(watch_balances, transaction=transaction, clock=clock)
    close = partial(close_accounts, transaction=transaction, clock=clock)
    return [
        Consumer(
            "credits.commands",
            {HoldCredits: hold, CaptureCredits: capture, ReleaseCredits: release, QuoteCredits: quote},
            prefetch=500,  # the next batch must wait here while one commits
            batch=200,
            hot=True,
        ),
        Consumer(
            "credits.facts",
            {
                PeriodOpened: periods,
                TopUpPaid: top_ups,
                PaymentRefunded: refunds,
                PaymentDisputed: disputes,
                BillingChanged: watch,
                TeamClosed: close,
            },
        ),
    ]
