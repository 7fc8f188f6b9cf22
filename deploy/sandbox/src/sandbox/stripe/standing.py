"""What paying, or not paying, does to a subscription."""

from sandbox.stripe.account import Account, Obj

_DAY = 86_400
ENDED = ("canceled", "incomplete_expired")


def subscription_of(account: Account, invoice: Obj) -> Obj | None:
    """Return the subscription an invoice is for."""
    parent = invoice["parent"]
    return account.find(parent["subscription_details"]["subscription"]) if parent else None


def default_method(account: Account, subscription: Obj) -> Obj | None:
    """Return what a subscription is paid with: its own payment method, else its customer's."""
    customer = account.get("customer", subscription["customer"])
    keys = (subscription["default_payment_method"], customer["invoice_settings"]["default_payment_method"])
    return next((found for key in keys if (found := account.find(key))), None)


def paid(account: Account, invoice: Obj) -> None:
    """Let a subscription go on once its latest invoice is paid."""
    subscription = subscription_of(account, invoice)
    _set_delinquent(account, invoice["customer"], late=False)
    if subscription is None or subscription["latest_invoice"] != invoice["id"]:
        return
    if subscription["status"] in {"incomplete", "past_due", "unpaid"}:
        account.change("customer.subscription.updated", subscription, status="active")


def failed(account: Account, invoice: Obj) -> None:
    """Put a subscription past due, plan the next try, and end it when there is none left."""
    subscription = subscription_of(account, invoice)
    _set_delinquent(account, invoice["customer"], late=True)
    if subscription is None or subscription["status"] in {"incomplete", *ENDED}:
        return
    tries = invoice["attempt_count"]
    retry = invoice["auto_advance"] and tries <= len(account.retry_days)
    wait = account.retry_days[tries - 1] * _DAY if retry else 0
    invoice["next_payment_attempt"] = account.now(invoice) + wait if retry else None
    if subscription["status"] in {"active", "trialing"}:
        account.change("customer.subscription.updated", subscription, status="past_due")


def give_up(account: Account, invoice: Obj) -> None:
    """After the last try: cancel the subscription, call it unpaid, or leave it past due."""
    subscription = subscription_of(account, invoice)
    if subscription is None or subscription["status"] != "past_due":
        return
    if account.after_retries == "unpaid":
        account.change("customer.subscription.updated", subscription, status="unpaid")
    if account.after_retries == "cancel":
        end(account, subscription, "payment_failed")


def end(account: Account, subscription: Obj, reason: str | None) -> None:
    """End a subscription now; what is still open is no longer collected."""
    now = account.now(subscription)
    details = subscription["cancellation_details"]
    subscription.update(
        status="canceled",
        canceled_at=subscription["canceled_at"] or now,
        ended_at=now,
        cancellation_details=details | {"reason": details["reason"] or reason},
    )
    for invoice in account.all("invoice", customer=subscription["customer"]):
        if subscription_of(account, invoice) is subscription and invoice["status"] in {"draft", "open"}:
            invoice.update(auto_advance=False, next_payment_attempt=None)
    if schedule := account.find(subscription["schedule"]):
        schedule.update(status="canceled", canceled_at=now)
        account.say("subscription_schedule.canceled", schedule)
    account.say("customer.subscription.deleted", subscription)


def _set_delinquent(account: Account, customer_id: str, *, late: bool) -> None:
    customer = account.find(customer_id)
    if customer is not None:
        account.change("customer.updated", customer, delinquent=late)
