"""The customer portal: its configurations, its sessions, and what a person may do there."""

from sandbox.stripe import schedules, subscribing
from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.change import changed_items, weigh
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.params import Params
from sandbox.stripe.payment_methods import attach, make
from sandbox.stripe.prorations import amount_of
from sandbox.stripe.routes import Call, Route, lister, reader

CONFIGURATION = "billing_portal.configuration"
SESSION = "billing_portal.session"
_BY_DEFAULT = ("customer_update", "invoice_history", "payment_method_update", "subscription_cancel")
_LENGTHS = {"day": 1, "week": 7, "month": 31, "year": 366}


def _create_configuration(call: Call) -> Obj:
    return _configure(call.account, call.params)


def _configure(account: Account, params: Params, *, default: bool = False) -> Obj:
    now = account.now()
    configuration = account.add(
        {
            "id": new_id("bpc"),
            "object": CONFIGURATION,
            "active": True,
            "application": None,
            "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None}
            | params.group("business_profile").values(),
            "created": now,
            "default_return_url": params.text("default_return_url"),
            "features": _features(params.group("features")),
            "is_default": default,
            "livemode": False,
            "login_page": {"enabled": False, "url": None},
            "metadata": params.metadata(),
            "name": params.text("name"),
            "updated": now,
        }
    )
    account.say("billing_portal.configuration.created", configuration)
    return configuration


def _features(params: Params) -> Obj:
    enabled = {name: params.group(name).flag("enabled") for name in (*_BY_DEFAULT, "subscription_update")}
    return {
        "customer_update": {
            "enabled": enabled["customer_update"],
            "allowed_updates": params.group("customer_update").texts("allowed_updates"),
        },
        "invoice_history": {"enabled": enabled["invoice_history"]},
        "payment_method_update": {"enabled": enabled["payment_method_update"]},
        "subscription_cancel": _cancelling(params.group("subscription_cancel")),
        "subscription_update": _updating(params.group("subscription_update")),
    }


def _cancelling(params: Params) -> Obj:
    reasons = params.group("cancellation_reason")
    return {
        "enabled": params.flag("enabled"),
        "cancellation_reason": {"enabled": reasons.flag("enabled"), "options": reasons.texts("options")},
        "mode": params.choice("mode", ("at_period_end", "immediately"), "at_period_end"),
        "proration_behavior": params.text("proration_behavior") or "none",
    }


def _updating(params: Params) -> Obj:
    later = params.group("schedule_at_period_end").rows("conditions")
    products = [
        {"product": row.required("product"), "prices": row.texts("prices")} for row in params.rows("products")
    ]
    if params.flag("enabled") and not products:
        raise invalid(
            "Missing required param: features[subscription_update][products].",
            code="parameter_missing",
            param="features[subscription_update][products]",
        )
    return {
        "enabled": params.flag("enabled"),
        "default_allowed_updates": params.texts("default_allowed_updates"),
        "products": products,
        "proration_behavior": params.text("proration_behavior") or "none",
        "schedule_at_period_end": {"conditions": [{"type": row.required("type")} for row in later]},
        "trial_update_behavior": "end_trial",
    }


def _update_configuration(call: Call) -> Obj:
    found, params = call.account.get(CONFIGURATION, call.key), call.params
    changes: Obj = {
        "active": params.flag("active", found["active"]),
        "metadata": params.metadata(found["metadata"]),
        "business_profile": found["business_profile"] | params.group("business_profile").values(),
    }
    if "default_return_url" in params:
        changes["default_return_url"] = params.text("default_return_url")
    given = params.group("features")
    fresh = _features(given)
    changes["features"] = found["features"] | {name: fresh[name] for name in given.names()}
    if any(found[name] != value for name, value in changes.items()):
        changes["updated"] = call.account.now()
    call.account.change("billing_portal.configuration.updated", found, **changes)
    return found


def _create_session(call: Call) -> Obj:
    account, params = call.account, call.params
    customer = account.get("customer", params.required("customer"), "customer")
    key = params.text("configuration")
    configuration = account.get(CONFIGURATION, key, "configuration") if key else _default(account)
    session = account.add(
        {
            "id": new_id("bps"),
            "object": SESSION,
            "configuration": configuration["id"],
            "created": account.now(),
            "customer": customer["id"],
            "flow": params.plain("flow_data"),
            "livemode": False,
            "locale": params.text("locale"),
            "on_behalf_of": None,
            "return_url": params.text("return_url") or configuration["default_return_url"],
        }
    )
    session["url"] = f"{account.pages_url}/p/session/{session['id']}"
    account.say("billing_portal.session.created", session)
    return session


def _default(account: Account) -> Obj:
    """Return the configuration that counts when none is named, making one the first time."""
    for configuration in account.all(CONFIGURATION, is_default=True):
        return configuration
    features = {name: {"enabled": "true"} for name in _BY_DEFAULT}
    return _configure(account, Params({"features": features}), default=True)


def features(account: Account, session: Obj) -> Obj:
    """Return what a session allows."""
    found: Obj = account.get(CONFIGURATION, session["configuration"])["features"]
    return found


def offers(account: Account, session: Obj) -> list[Obj]:
    """Return the prices a session lets its customer change to."""
    update = features(account, session)["subscription_update"]
    keys = [key for product in update["products"] for key in product["prices"]] if update["enabled"] else []
    return [price for key in keys if (price := account.find(key)) and price["active"]]


def owned(account: Account, session: Obj, key: str) -> Obj:
    """Return a subscription of a session's customer."""
    subscription = account.get("subscription", key)
    if subscription["customer"] != session["customer"]:
        raise invalid("This subscription belongs to somebody else.")
    return subscription


def change_plan(account: Account, session: Obj, subscription: Obj, price: Obj) -> None:
    """Change to another price: now, or at the end of the period where the configuration says so.

    Raises StripeError when the card is refused; then nothing has changed.
    """
    settings = features(account, session)["subscription_update"]
    if price not in offers(account, session):
        raise invalid("This plan cannot be chosen here.")
    if _later(settings, subscription, price):
        schedule = account.find(subscription["schedule"]) or schedules.from_subscription(
            account, subscription
        )
        schedules.plan_next(account, schedule, [{"price": price["id"], "quantity": 1}])
        return
    item = subscription["items"]["data"][0]
    rows = [Params({"id": item["id"], "price": price["id"]})]
    items = changed_items(account, subscription, rows)
    behavior = settings["proration_behavior"]
    change = weigh(account, subscription, items, account.now(subscription), behavior=behavior)
    if (behavior == "always_invoice" or change.restarts) and change.entries:
        _refuse_when_unpaid(account, subscription, sum(entry.amount for entry in change.entries))
    going_on = subscribing.at_period_end(account, subscription, cancels=False)
    subscribing.apply(account, subscription, change, behavior=behavior, **going_on)


def _refuse_when_unpaid(account: Account, subscription: Obj, amount: int) -> None:
    error: StripeError | None = subscribing.would_fail(account, subscription) if amount > 0 else None
    if error is not None:
        raise error


def _later(settings: Obj, subscription: Obj, price: Obj) -> bool:
    item = subscription["items"]["data"][0]
    conditions = {each["type"] for each in settings["schedule_at_period_end"]["conditions"]}
    shorter = _length(price["recurring"]) < _length(item["price"]["recurring"])
    same = _length(price["recurring"]) == _length(item["price"]["recurring"])
    cheaper = same and price["unit_amount"] * item["quantity"] < amount_of(item)
    return ("decreasing_item_amount" in conditions and cheaper) or (
        "shortening_interval" in conditions and shorter
    )


def _length(recurring: Obj) -> int:
    return int(_LENGTHS[recurring["interval"]] * recurring["interval_count"])


def end(account: Account, session: Obj, subscription: Obj) -> None:
    """Cancel as the configuration says: with the period, or now."""
    settings = features(account, session)["subscription_cancel"]
    if not settings["enabled"]:
        raise invalid("A subscription cannot be cancelled here.")
    if schedule := account.find(subscription["schedule"]):
        schedules.release(account, schedule)
    if settings["mode"] == "immediately":
        subscribing.cancel(account, subscription, prorate=settings["proration_behavior"] != "none")
        return
    fields = subscribing.at_period_end(account, subscription, cancels=True)
    account.change("customer.subscription.updated", subscription, **fields)


def go_on(account: Account, subscription: Obj) -> None:
    """Take back a cancellation that has not happened yet, or a change that waits."""
    if schedule := account.find(subscription["schedule"]):
        schedules.release(account, schedule)
    fields = subscribing.at_period_end(account, subscription, cancels=False)
    account.change("customer.subscription.updated", subscription, **fields)


def replace_card(account: Account, session: Obj, name: str) -> None:
    """Give the customer another test card, for everything to come.

    Raises StripeError when the bank refuses it.
    """
    customer = account.get("customer", session["customer"])
    method = make(account, name)
    try:
        attach(account, method, customer)
    except StripeError:
        account.remove(method)
        raise
    settings = customer["invoice_settings"] | {"default_payment_method": method["id"]}
    account.change("customer.updated", customer, invoice_settings=settings)
    for subscription in account.all("subscription", customer=customer["id"]):
        if subscription["default_payment_method"]:
            account.change("customer.subscription.updated", subscription, default_payment_method=method["id"])


_FIELDS = "features business_profile default_return_url metadata name login_page"

ROUTES = [
    Route("POST", "/v1/billing_portal/configurations", _create_configuration, _FIELDS),
    lister(CONFIGURATION, "/v1/billing_portal/configurations", "active is_default"),
    reader(CONFIGURATION, "/v1/billing_portal/configurations"),
    Route("POST", "/v1/billing_portal/configurations/{}", _update_configuration, f"active {_FIELDS}"),
    Route(
        "POST",
        "/v1/billing_portal/sessions",
        _create_session,
        "customer configuration return_url flow_data locale",
    ),
]
