"""The calls about subscriptions."""

from sandbox.stripe import beginning, subscribing
from sandbox.stripe.account import Account, Obj
from sandbox.stripe.change import BEHAVIORS, changed_items, weigh
from sandbox.stripe.errors import StripeError, invalid, missing
from sandbox.stripe.listing import PAGING, page
from sandbox.stripe.params import Params
from sandbox.stripe.payment_methods import resolve
from sandbox.stripe.routes import Call, Route, reader
from sandbox.stripe.standing import ENDED, default_method

_DAY = 86_400
_PAYMENT = ("allow_incomplete", "default_incomplete", "error_if_incomplete")


def terms(account: Account, params: Params, customer: Obj) -> beginning.Beginning:
    """Read how a subscription is to start, from a call or from a checkout session's data."""
    now = account.now(customer)
    fields: Obj = {"metadata": params.metadata(), "description": params.text("description")}
    if key := params.text("default_payment_method"):
        fields["default_payment_method"] = _owned(account, key, customer)
    if missing_method := params.group("trial_settings").group("end_behavior").text("missing_payment_method"):
        fields["trial_settings"] = {"end_behavior": {"missing_payment_method": missing_method}}
    if params.flag("cancel_at_period_end"):
        fields["cancel_at_period_end"] = True
    days = params.number("trial_period_days")
    ends = params.text("trial_end")
    if ends == "now":
        ends = None
    return beginning.Beginning(
        trial_end=int(ends) if ends else (now + days * _DAY if days else None),
        anchor=params.number("billing_cycle_anchor"),
        behavior=params.choice("proration_behavior", BEHAVIORS, "create_prorations"),
        fields=fields,
    )


def _owned(account: Account, key: str, customer: Obj) -> str:
    method = resolve(account, key, "default_payment_method")
    if method["customer"] != customer["id"]:
        message = f"The customer does not have a payment method with the ID {method['id']}."
        raise invalid(message, code="resource_missing", param="default_payment_method")
    return str(method["id"])


def _create(call: Call) -> Obj:
    account, params = call.account, call.params
    customer = account.get("customer", params.required("customer"), "customer")
    rows = params.rows("items")
    if not rows:
        raise missing("items")
    behavior = params.choice("payment_behavior", _PAYMENT, "allow_incomplete")
    key = beginning.new_key()
    items = changed_items(account, {"id": key, "items": {"data": []}}, rows)
    how = terms(account, params, customer)
    if behavior == "error_if_incomplete" and not how.trial_end:
        _refuse_when_unpaid(
            account, {"default_payment_method": None, "customer": customer["id"]} | how.fields
        )
    elif behavior == "allow_incomplete" and not how.trial_end and _costs(items):
        _refuse_without_method(customer, how.fields)
    subscription = beginning.begin(account, customer, items, how)
    if subscription["cancel_at_period_end"]:
        subscription.update(subscribing.at_period_end(account, subscription, cancels=True))
    beginning.bill_first(account, subscription, collect=behavior != "default_incomplete")
    return subscription


def _costs(items: list[Obj]) -> bool:
    return any(item["price"]["unit_amount"] * item["quantity"] for item in items)


def _refuse_without_method(customer: Obj, fields: Obj) -> None:
    settings = customer["invoice_settings"]["default_payment_method"]
    if not (fields.get("default_payment_method") or settings):
        raise invalid(
            "This customer has no attached payment source or default payment method. Please consider adding "
            "a default payment method.",
            code="resource_missing",
        )


def _refuse_when_unpaid(account: Account, subscription: Obj) -> None:
    error: StripeError | None = subscribing.would_fail(account, subscription)
    if error is not None:
        raise error


def _update(call: Call) -> Obj:
    account, params = call.account, call.params
    subscription = _going(account, call.key)
    behavior = params.choice("proration_behavior", BEHAVIORS, "create_prorations")
    if params.choice("payment_behavior", _PAYMENT, "allow_incomplete") == "error_if_incomplete":
        _refuse_when_unpaid(account, subscription)
    if params.text("trial_end") == "now" and subscription["status"] == "trialing":
        _end_trial(account, subscription)
    fields = _fields(account, params, subscription)
    now = account.now(subscription)
    change = weigh(
        account,
        subscription,
        changed_items(account, subscription, params.rows("items")),
        params.number("proration_date") or now,
        behavior=behavior,
        anchor_now=params.text("billing_cycle_anchor") == "now",
    )
    subscribing.apply(account, subscription, change, behavior=behavior, **fields)
    return subscription


def _end_trial(account: Account, subscription: Obj) -> None:
    behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if default_method(account, subscription) or behavior == "create_invoice":
        subscribing.end_trial(account, subscription)
    elif behavior == "pause":
        account.change("customer.subscription.updated", subscription, status="paused")
        account.say("customer.subscription.paused", subscription)


def _fields(account: Account, params: Params, subscription: Obj) -> Obj:
    fields: Obj = {"metadata": params.metadata(subscription["metadata"])}
    if "description" in params:
        fields["description"] = params.text("description")
    if "default_payment_method" in params:
        customer = account.get("customer", subscription["customer"])
        key = params.text("default_payment_method")
        fields["default_payment_method"] = _owned(account, key, customer) if key else None
    if "cancel_at_period_end" in params:
        cancels = params.flag("cancel_at_period_end")
        fields |= subscribing.at_period_end(account, subscription, cancels=cancels)
    if "cancel_at" in params:
        fields |= {"cancel_at": params.number("cancel_at"), "cancel_at_period_end": False}
    if "trial_end" in params and params.text("trial_end") != "now":
        fields.update(_later_trial_end(params, subscription))
    if "cancellation_details" in params:
        details: Obj = fields.get("cancellation_details") or subscription["cancellation_details"]
        fields["cancellation_details"] = details | params.group("cancellation_details").values()
    return fields


def _later_trial_end(params: Params, subscription: Obj) -> Obj:
    end = params.number("trial_end")
    for item in subscription["items"]["data"]:
        item["current_period_end"] = end
    return {"trial_end": end, "billing_cycle_anchor": end, "status": "trialing"}


def _going(account: Account, key: str) -> Obj:
    subscription = account.get("subscription", key)
    if subscription["status"] in ENDED:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        raise invalid(message)
    return subscription


def _cancel(call: Call) -> Obj:
    account, params = call.account, call.params
    subscription = account.get("subscription", call.key)
    if subscription["status"] in ENDED:
        raise StripeError(
            404,
            "invalid_request_error",
            f"No such subscription: '{call.key}'",
            code="resource_missing",
            param="id",
        )
    given = params.group("cancellation_details").values()
    subscription["cancellation_details"] = subscription["cancellation_details"] | given
    subscribing.cancel(
        account, subscription, prorate=params.flag("prorate"), invoice_now=params.flag("invoice_now")
    )
    return subscription


def _list(call: Call) -> Obj:
    params = call.params
    wanted: dict[str, object] = {}
    for name in ("customer", "test_clock"):
        if value := params.text(name):
            wanted[name] = value
    found = list(call.account.all("subscription", **wanted))
    status = params.text("status")
    if status == "ended":
        found = [each for each in found if each["status"] in ENDED]
    elif status and status != "all":
        found = [each for each in found if each["status"] == status]
    elif not status:
        found = [each for each in found if each["status"] != "canceled"]
    if price := params.text("price"):
        found = [
            each for each in found if any(item["price"]["id"] == price for item in each["items"]["data"])
        ]
    return page(found, params, "/v1/subscriptions")


def _list_items(call: Call) -> Obj:
    subscription = call.account.get("subscription", call.params.required("subscription"), "subscription")
    return page(subscription["items"]["data"], call.params, "/v1/subscription_items")


_TERMS = (
    "items metadata description default_payment_method trial_end trial_settings cancel_at_period_end "
    "cancel_at proration_behavior payment_behavior billing_cycle_anchor off_session collection_method "
    "payment_settings"
)
_PAGING = " ".join(PAGING)

ROUTES = [
    Route(
        "POST",
        "/v1/subscriptions",
        _create,
        f"customer currency trial_period_days billing_mode trial_from_plan {_TERMS}",
    ),
    Route("GET", "/v1/subscriptions", _list, f"customer status price test_clock {_PAGING}"),
    reader("subscription", "/v1/subscriptions"),
    Route("POST", "/v1/subscriptions/{}", _update, f"proration_date cancellation_details {_TERMS}"),
    Route("DELETE", "/v1/subscriptions/{}", _cancel, "prorate invoice_now cancellation_details"),
    Route("GET", "/v1/subscription_items", _list_items, f"subscription {_PAGING}"),
    reader("subscription_item", "/v1/subscription_items"),
]
