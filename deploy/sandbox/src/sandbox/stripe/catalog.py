"""Products and prices."""

from sandbox.stripe.account import Account, Obj, new_id
from sandbox.stripe.errors import StripeError, invalid, missing
from sandbox.stripe.listing import PAGING, page
from sandbox.stripe.params import Params
from sandbox.stripe.routes import Call, Route, reader

_PRODUCT = (
    "name active description metadata images url unit_label tax_code statement_descriptor shippable type "
    "marketing_features default_price"
)
_PRICE = "nickname active metadata lookup_key transfer_lookup_key tax_behavior"
_INTERVALS = ("day", "week", "month", "year")


def _create_product(call: Call) -> Obj:
    key = call.params.text("id")
    if key and call.account.find(key):
        raise invalid("Product already exists.", code="resource_already_exists", param="id")
    return make_product(call.account, call.params, key)


def make_product(account: Account, params: Params, key: str | None = None) -> Obj:
    """Make a product and say so."""
    product = account.add(
        {
            "id": key or new_id("prod", 14),
            "object": "product",
            "active": True,
            "created": account.now(),
            "default_price": None,
            "description": None,
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": params.metadata(),
            "name": params.required("name"),
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "type": "service",
            "unit_label": None,
            "updated": account.now(),
            "url": None,
        }
    )
    product.update(_product_changes(params, product))
    account.say("product.created", product)
    if "default_price_data" in params:
        price = make_price(account, params.group("default_price_data"), product)
        product["default_price"] = price["id"]
    return product


def _update_product(call: Call) -> Obj:
    product = call.account.get("product", call.key)
    changes = _product_changes(call.params, product)
    if changes != {name: product[name] for name in changes}:
        changes["updated"] = call.account.now()
    call.account.change("product.updated", product, **changes)
    return product


def _product_changes(params: Params, product: Obj) -> Obj:
    texts = ("name", "description", "url", "unit_label", "tax_code", "statement_descriptor", "default_price")
    changes: Obj = {name: params.text(name) for name in texts if name in params}
    for name in ("images", "marketing_features"):
        if name in params:
            changes[name] = params.plain(name) or []
    return changes | {
        "active": params.flag("active", product["active"]),
        "metadata": params.metadata(product["metadata"]),
    }


def _delete_product(call: Call) -> Obj:
    product = call.account.get("product", call.key)
    if any(call.account.all("price", product=call.key)):
        raise invalid("This product cannot be deleted because it has one or more user-created prices.")
    call.account.remove(product)
    call.account.say("product.deleted", product)
    return {"id": call.key, "object": "product", "deleted": True}


def _list_products(call: Call) -> Obj:
    wanted = set(call.params.texts("ids"))
    found = [product for product in call.account.all("product") if not wanted or product["id"] in wanted]
    if "active" in call.params:
        found = [product for product in found if product["active"] is call.params.flag("active")]
    return page(found, call.params, "/v1/products")


def _create_price(call: Call) -> Obj:
    account, params = call.account, call.params
    if "product_data" in params:
        return make_price(account, params, make_product(account, params.group("product_data")))
    product = account.get("product", params.required("product"), "product")
    return make_price(account, params, product)


def make_price(account: Account, params: Params, product: Obj) -> Obj:
    """Make a price of a product and say so."""
    amount = params.number("unit_amount")
    if amount is None:
        raise missing("unit_amount")
    currency = params.required("currency").lower()
    lookup_key = params.text("lookup_key")
    _claim(account, lookup_key, None, transfer=params.flag("transfer_lookup_key"))
    recurring = _recurring(params.group("recurring")) if "recurring" in params else None
    price = account.add(
        {
            "id": new_id("price"),
            "object": "price",
            "active": params.flag("active", default=True),
            "billing_scheme": "per_unit",
            "created": account.now(),
            "currency": currency,
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": lookup_key,
            "metadata": params.metadata(),
            "nickname": params.text("nickname"),
            "product": product["id"],
            "recurring": recurring,
            "tax_behavior": params.text("tax_behavior") or "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "recurring" if recurring else "one_time",
            "unit_amount": amount,
            "unit_amount_decimal": str(amount),
        }
    )
    account.say("price.created", price)
    return price


def _recurring(params: Params) -> Obj:
    interval = params.required("interval")
    if interval not in _INTERVALS:
        raise invalid(f"Invalid recurring[interval]: {interval}", param="recurring[interval]")
    return {
        "interval": interval,
        "interval_count": params.number("interval_count") or 1,
        "meter": None,
        "trial_period_days": params.number("trial_period_days"),
        "usage_type": "licensed",
    }


def _update_price(call: Call) -> Obj:
    price, params = call.account.get("price", call.key), call.params
    changes: Obj = {"active": params.flag("active", price["active"])}
    changes |= {
        name: params.text(name) for name in ("nickname", "lookup_key", "tax_behavior") if name in params
    }
    if changes.get("lookup_key"):
        _claim(call.account, changes["lookup_key"], price, transfer=params.flag("transfer_lookup_key"))
    changes["metadata"] = params.metadata(price["metadata"])
    call.account.change("price.updated", price, **changes)
    return price


def _claim(account: Account, lookup_key: str | None, claimant: Obj | None, *, transfer: bool) -> None:
    """Make a lookup key free for a price: each belongs to one at most."""
    for owner in account.all("price", lookup_key=lookup_key) if lookup_key else ():
        if owner is claimant:
            continue
        if not transfer:
            message = f"A price (`{owner['id']}`) already uses that lookup key."
            raise StripeError(400, "invalid_request_error", message, param="lookup_key")
        account.change("price.updated", owner, lookup_key=None)


def _list_prices(call: Call) -> Obj:
    params = call.params
    keys = params.texts("lookup_keys")
    found = [price for price in call.account.all("price") if not keys or price["lookup_key"] in keys]
    for name in ("product", "currency", "type"):
        if wanted := params.text(name):
            found = [price for price in found if price[name] == wanted]
    if "active" in params:
        found = [price for price in found if price["active"] is params.flag("active")]
    if interval := params.group("recurring").text("interval"):
        found = [price for price in found if (price["recurring"] or {}).get("interval") == interval]
    return page(found, params, "/v1/prices")


_PAGING = " ".join(PAGING)

ROUTES = [
    Route("POST", "/v1/products", _create_product, f"id default_price_data {_PRODUCT}"),
    Route("GET", "/v1/products", _list_products, f"active ids {_PAGING}"),
    reader("product", "/v1/products"),
    Route("POST", "/v1/products/{}", _update_product, _PRODUCT),
    Route("DELETE", "/v1/products/{}", _delete_product),
    Route(
        "POST",
        "/v1/prices",
        _create_price,
        f"currency product product_data unit_amount recurring billing_scheme {_PRICE}",
    ),
    Route("GET", "/v1/prices", _list_prices, f"active currency lookup_keys product recurring type {_PAGING}"),
    reader("price", "/v1/prices"),
    Route("POST", "/v1/prices/{}", _update_price, _PRICE),
]
