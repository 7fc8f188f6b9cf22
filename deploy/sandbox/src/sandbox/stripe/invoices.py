"""The calls about invoices, their lines, items and payments."""

from sandbox.stripe import invoicing
from sandbox.stripe.account import Account, Obj
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.invoice_drafts import draft
from sandbox.stripe.invoice_lines import Entry, hold
from sandbox.stripe.listing import PAGING, page
from sandbox.stripe.params import Params
from sandbox.stripe.payment_methods import resolve
from sandbox.stripe.routes import Call, Route, lister, reader
from sandbox.stripe.standing import subscription_of


def _create_item(call: Call) -> Obj:
    account, params = call.account, call.params
    customer = account.get("customer", params.required("customer"), "customer")
    item = hold(account, customer, _entry(account, params, customer))
    if key := params.text("invoice"):
        raise invalid(f"The sandbox adds items to the next invoice only, not to {key}.", param="invoice")
    return item


def _entry(account: Account, params: Params, customer: Obj) -> Entry:
    now = account.now(customer)
    key = params.text("price") or params.group("pricing").text("price")
    price = account.get("price", key, "price") if key else None
    quantity = params.number("quantity") or 1
    amount = price["unit_amount"] * quantity if price else params.number("amount")
    if amount is None:
        raise missing("amount")
    return Entry(
        amount=amount,
        currency=price["currency"] if price else (params.text("currency") or "usd").lower(),
        description=params.text("description") or "",
        start=params.group("period").number("start") or now,
        end=params.group("period").number("end") or now,
        price=price,
        quantity=quantity,
        metadata=params.metadata(),
    )


def _delete_item(call: Call) -> Obj:
    item = call.account.get("invoiceitem", call.key)
    if item["invoice"]:
        raise invalid("This invoice item is already attached to an invoice and can't be deleted.")
    call.account.remove(item)
    call.account.say("invoiceitem.deleted", item)
    return {"id": call.key, "object": "invoiceitem", "deleted": True}


def _create(call: Call) -> Obj:
    account, params = call.account, call.params
    customer = account.get("customer", params.required("customer"), "customer")
    invoice = draft(account, customer, [], reason="manual")
    advances = params.flag("auto_advance")
    invoice.update(
        auto_advance=advances,
        automatically_finalizes_at=account.now(customer) + account.renewal_seconds if advances else None,
        collection_method=params.text("collection_method") or "charge_automatically",
        description=params.text("description"),
        metadata=params.metadata(),
    )
    return invoice


def _update(call: Call) -> Obj:
    invoice, params = call.account.get("invoice", call.key), call.params
    changes: Obj = {"metadata": params.metadata(invoice["metadata"])}
    if "description" in params:
        changes["description"] = params.text("description")
    if "auto_advance" in params:
        changes["auto_advance"] = params.flag("auto_advance")
    if key := params.text("default_payment_method"):
        changes["default_payment_method"] = resolve(call.account, key)["id"]
    call.account.change("invoice.updated", invoice, **changes)
    return invoice


def _delete(call: Call) -> Obj:
    invoice = call.account.get("invoice", call.key)
    if invoice["status"] != "draft":
        raise invalid("You can only delete draft invoices.")
    call.account.remove(invoice)
    call.account.say("invoice.deleted", invoice)
    return {"id": call.key, "object": "invoice", "deleted": True}


def _list(call: Call) -> Obj:
    account, params = call.account, call.params
    wanted = {name: value for name in ("customer", "status") if (value := params.text(name))}
    found = list(account.all("invoice", **wanted))
    if key := params.text("subscription"):
        subscription = account.find(key)
        found = [
            invoice for invoice in found if subscription and subscription_of(account, invoice) is subscription
        ]
    return page(found, params, "/v1/invoices")


def _finalize(call: Call) -> Obj:
    invoice = call.account.get("invoice", call.key)
    invoicing.finalize(call.account, invoice)
    return invoice


def _pay(call: Call) -> Obj:
    account, params = call.account, call.params
    invoice = account.get("invoice", call.key)
    if invoice["status"] == "paid":
        raise invalid("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] == "draft":
        invoicing.finalize(account, invoice)
    if params.flag("paid_out_of_band"):
        invoicing.settle(account, invoice, out_of_band=True)
    elif invoice["status"] in {"open", "uncollectible"}:
        _collect(account, params, invoice)
    elif invoice["status"] == "void":
        raise invalid("You cannot pay an invoice that is void.")
    return invoice


def _collect(account: Account, params: Params, invoice: Obj) -> None:
    key = params.text("payment_method")
    method = resolve(account, key) if key else None
    error = invoicing.pay(account, invoice, method)
    if error is not None:
        raise error


def _send(call: Call) -> Obj:
    invoice = call.account.get("invoice", call.key)
    if invoice["status"] == "draft":
        invoicing.finalize(call.account, invoice)
    call.account.say("invoice.sent", invoice)
    return invoice


def _void(call: Call) -> Obj:
    invoice = call.account.get("invoice", call.key)
    invoicing.close(call.account, invoice, "void")
    return invoice


def _uncollectible(call: Call) -> Obj:
    invoice = call.account.get("invoice", call.key)
    invoicing.close(call.account, invoice, "uncollectible")
    return invoice


def _lines(call: Call) -> Obj:
    invoice = call.account.get("invoice", call.key)
    return page(reversed(invoice["lines"]["data"]), call.params, call.path)


def _payments(call: Call) -> Obj:
    params = call.params
    wanted = {name: value for name in ("invoice", "status") if (value := params.text(name))}
    found = list(call.account.all("invoice_payment", **wanted))
    payment = params.group("payment")
    if payment.names():
        kind = payment.required("type")
        key = payment.required(kind)
        found = [each for each in found if each["payment"].get(kind) == key]
    return page(found, params, "/v1/invoice_payments")


_PAGING = " ".join(PAGING)

ROUTES = [
    Route(
        "POST",
        "/v1/invoiceitems",
        _create_item,
        "customer amount currency description price pricing quantity period metadata invoice",
    ),
    lister("invoiceitem", "/v1/invoiceitems", "customer invoice"),
    reader("invoiceitem", "/v1/invoiceitems"),
    Route("DELETE", "/v1/invoiceitems/{}", _delete_item),
    Route(
        "POST",
        "/v1/invoices",
        _create,
        "customer description metadata auto_advance collection_method pending_invoice_items_behavior "
        "days_until_due currency",
    ),
    Route("GET", "/v1/invoices", _list, f"customer status subscription collection_method {_PAGING}"),
    reader("invoice", "/v1/invoices"),
    Route("POST", "/v1/invoices/{}", _update, "description metadata auto_advance default_payment_method"),
    Route("DELETE", "/v1/invoices/{}", _delete),
    Route("POST", "/v1/invoices/{}/finalize", _finalize, "auto_advance"),
    Route("POST", "/v1/invoices/{}/pay", _pay, "payment_method paid_out_of_band off_session forgive"),
    Route("POST", "/v1/invoices/{}/send", _send),
    Route("POST", "/v1/invoices/{}/void", _void),
    Route("POST", "/v1/invoices/{}/mark_uncollectible", _uncollectible),
    Route("GET", "/v1/invoices/{}/lines", _lines, _PAGING),
    Route("GET", "/v1/invoice_payments", _payments, f"invoice status payment {_PAGING}"),
    reader("invoice_payment", "/v1/invoice_payments"),
]
