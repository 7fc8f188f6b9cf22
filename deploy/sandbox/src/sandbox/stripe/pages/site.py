"""The routes of the hosted pages, and how a page is drawn."""

from collections.abc import Callable, Iterable
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox.stripe import checkout_payment, checkout_session, intents, invoicing, portal
from sandbox.stripe.account import Account, Obj
from sandbox.stripe.cards import CARDS
from sandbox.stripe.errors import StripeError
from sandbox.stripe.pages.money import day, money, rate
from sandbox.stripe.payment_methods import make
from sandbox.stripe.prorations import name_of

_FOLDER = Path(__file__).parent
_CHOICES = {
    "visa": "Visa ending in 4242: pays",
    "mastercard": "Mastercard ending in 4444: pays",
    "authenticationRequiredOnSetup": "Visa ending in 3155: pays once its holder was asked",
    "chargeCustomerFail": "Visa ending in 0341: can be saved, every charge is declined",
    "chargeDeclined": "Visa ending in 0002: is declined",
    "chargeDeclinedInsufficientFunds": "Visa ending in 9995: has insufficient funds",
    "createDispute": "Visa ending in 0259: pays, and is disputed at once",
}
_BANK = {"sepa": "Bank debit: succeeds after three days", "sepa_fails": "Bank debit: fails after three days"}
_DECLINES = "chargeDeclined"
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'"


def page_routes(account: Account) -> Iterable[web.RouteDef]:
    """Return the routes of the pages of an account."""
    site = _Site(account)
    return [
        web.get("/style.css", site.style),
        web.get("/favicon.ico", site.icon),
        web.get("/c/pay/{key}", site.checkout),
        web.post("/c/pay/{key}", site.pay),
        web.get("/p/session/{key}", site.portal),
        web.post("/p/session/{key}", site.manage),
        web.get("/i/{key}", site.invoice),
        web.post("/i/{key}", site.pay_invoice),
        web.get("/authenticate/{key}", site.authentication),
        web.post("/authenticate/{key}", site.authenticate),
        web.get("/receipts/{key}", site.receipt),
    ]


class _Site:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            money=money, day=day, rate=rate, cards=_CHOICES, product=lambda price: name_of(account, price)
        )

    async def style(self, _: web.Request) -> web.Response:
        return web.Response(text=(_FOLDER / "style.css").read_text(), content_type="text/css")

    async def icon(self, _: web.Request) -> web.Response:
        return web.Response(status=204)

    async def checkout(self, request: web.Request) -> web.Response:
        return self._checkout(self._found(request, checkout_session.KIND))

    def _checkout(self, session: Obj, problem: str | None = None) -> web.Response:
        takes_bank = "sepa_debit" in session["payment_method_types"]
        rows = checkout_session.line_items(self._account, session)["data"]
        methods = _CHOICES | (_BANK if takes_bank and session["mode"] == "payment" else {})
        status = 402 if problem else 200
        shown = {"session": session, "rows": rows, "methods": methods, "problem": problem}
        return self._page("checkout.html", status, **shown)

    async def pay(self, request: web.Request) -> web.Response:
        session = self._found(request, checkout_session.KIND)
        form = await request.post()
        if session["status"] != "open":
            return self._checkout(session)
        method = self._method(str(form.get("card", "visa")), declines=form.get("action") == "decline")
        email = str(form.get("email", "")) or None
        method["billing_details"]["email"] = email
        problem = _problem(lambda: checkout_payment.complete(self._account, session, method, email))
        if problem is not None:
            return self._checkout(session, problem)
        raise web.HTTPSeeOther(checkout_session.return_address(session))

    def _method(self, name: str, *, declines: bool) -> Obj:
        chosen = _DECLINES if declines else name
        if chosen not in CARDS and chosen not in _BANK:
            raise web.HTTPBadRequest(text="no such card")
        return make(self._account, chosen)

    async def portal(self, request: web.Request) -> web.Response:
        session = self._found(request, portal.SESSION)
        return self._portal(session, notice=request.query.get("notice"))

    def _portal(self, session: Obj, notice: str | None = None, problem: str | None = None) -> web.Response:
        account = self._account
        customer = account.get("customer", session["customer"])
        every = list(account.all("subscription", customer=customer["id"]))
        default = customer["invoice_settings"]["default_payment_method"]
        invoices = list(account.all("invoice", customer=customer["id"]))
        return self._page(
            "portal.html",
            402 if problem else 200,
            session=session,
            subscriptions=[each for each in every if not each["ended_at"]],
            planned={each["id"]: self._planned(each) for each in every},
            offers=portal.offers(account, session),
            features=portal.features(account, session),
            method=account.find(self._card_in_use(every) or default),
            invoices=[each for each in reversed(invoices) if each["status"] != "draft"],
            notice=notice,
            problem=problem,
        )

    def _card_in_use(self, subscriptions: list[Obj]) -> str | None:
        keys = [each["default_payment_method"] for each in subscriptions if not each["ended_at"]]
        return next((key for key in reversed(keys) if key), None)

    def _planned(self, subscription: Obj) -> tuple[Obj, int] | None:
        """Return the price a subscription will change to, and when."""
        schedule = self._account.find(subscription["schedule"])
        if schedule is None or len(schedule["phases"]) < 2:
            return None
        phase = schedule["phases"][-1]
        return self._account.get("price", phase["items"][0]["price"]), phase["start_date"]

    async def manage(self, request: web.Request) -> web.Response:
        session = self._found(request, portal.SESSION)
        form = {name: str(value) for name, value in (await request.post()).items()}
        problem = _problem(lambda: self._manage(session, form))
        if problem is not None:
            return self._portal(session, problem=problem)
        raise web.HTTPSeeOther(f"{request.path}?notice=saved")

    def _manage(self, session: Obj, form: dict[str, str]) -> None:
        account = self._account
        action = form.get("action")
        if action == "card":
            portal.replace_card(account, session, _known(form.get("card", "")))
            return
        subscription = portal.owned(account, session, form.get("subscription", ""))
        if action == "change":
            portal.change_plan(account, session, subscription, account.get("price", form.get("price", "")))
        elif action == "cancel":
            portal.end(account, session, subscription)
        elif action == "keep":
            portal.go_on(account, subscription)
        else:
            raise web.HTTPBadRequest(text="no such action")

    async def invoice(self, request: web.Request) -> web.Response:
        return self._invoice(self._found(request, "invoice"))

    def _invoice(self, invoice: Obj, problem: str | None = None) -> web.Response:
        return self._page("invoice.html", 402 if problem else 200, invoice=invoice, problem=problem)

    async def pay_invoice(self, request: web.Request) -> web.Response:
        invoice = self._found(request, "invoice")
        form = await request.post()
        if invoice["status"] == "open":
            method = make(self._account, _known(str(form.get("card", "visa"))))
            problem = _problem(lambda: invoicing.pay(self._account, invoice, method, asked=True))
            if problem is not None:
                return self._invoice(invoice, problem)
        raise web.HTTPSeeOther(request.path)

    async def authentication(self, request: web.Request) -> web.Response:
        return self._page("authenticate.html", intent=self._found(request, "payment_intent"))

    async def authenticate(self, request: web.Request) -> web.Response:
        intent = self._found(request, "payment_intent")
        form = await request.post()
        if intent["status"] == "requires_action":
            method = self._account.get("payment_method", intent["payment_method"])
            if form.get("action") == "complete":
                intents.confirm(self._account, intent, method, authenticated=True)
            else:
                intents.fail(self._account, intent, method, "payment_intent_authentication_failure")
        raise web.HTTPSeeOther(request.path)

    async def receipt(self, request: web.Request) -> web.Response:
        return self._page("receipt.html", intent=self._found(request, "payment_intent"))

    def _found(self, request: web.Request, kind: str) -> Obj:
        try:
            return self._account.get(kind, request.match_info["key"])
        except StripeError as error:
            raise web.HTTPNotFound(text=str(error)) from None

    def _page(self, name: str, status: int = 200, **shown: object) -> web.Response:
        html = self._templates.get_template(name).render(**shown)
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        return web.Response(text=html, status=status, content_type="text/html", headers=headers)


def _known(name: str) -> str:
    if name not in CARDS:
        raise web.HTTPBadRequest(text="no such card")
    return name


def _problem(act: Callable[[], StripeError | None]) -> str | None:
    """Do what a form asks; return what to tell the person when Stripe refuses."""
    try:
        error = act()
    except StripeError as raised:
        error = raised
    return None if error is None else str(error)
