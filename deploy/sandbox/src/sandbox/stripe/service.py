"""The Stripe stand-in as a whole: its account, its API and pages, its webhooks, its clock."""

import asyncio
import logging

from aiohttp import ClientSession, web

from sandbox.stripe import checkout_payment, clocks, endpoints, invoicing
from sandbox.stripe.account import Account, Obj
from sandbox.stripe.api import Api
from sandbox.stripe.faults import Faults
from sandbox.stripe.pages.site import page_routes
from sandbox.stripe.webhooks import Delivering, Webhooks

_log = logging.getLogger(__name__)
_TICK_SECONDS = 0.25


class Stripe:
    """Everything that is remembered, and who works on it."""

    def __init__(self, key: str, webhook_url: str | None = None, webhook_secret: str | None = None) -> None:
        self.key = key
        self._webhook = (webhook_url, webhook_secret)
        self.account = Account()
        self.faults = Faults()
        self.webhooks = Webhooks(self.account, self.faults, self._http)
        self.api = Api(self.account, self.faults, key)
        self.account.listeners += [self.webhooks.announce, self._follow]
        self._session: ClientSession | None = None
        self._clock = asyncio.Lock()
        self._ticking: asyncio.Task[None] | None = None

    def create_app(self) -> web.Application:
        """Return the application that serves the API and the hosted pages."""
        app = web.Application()
        app.router.add_route("*", "/v1/{rest:.*}", self.api.handle)
        app.add_routes(page_routes(self.account))
        return app

    async def start(self, pages_url: str) -> None:
        """Begin to deliver and to keep time; `pages_url` is where people reach the pages."""
        self.account.pages_url = pages_url
        self._session = ClientSession()
        self._add_endpoint()
        self._ticking = asyncio.get_running_loop().create_task(self._tick())

    async def stop(self) -> None:
        """Stop working."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        await self.account.stop()
        await self.webhooks.clear()
        if self._session is not None:
            await self._session.close()

    async def reset(self) -> None:
        """Back to the beginning: only the endpoint of the settings is there."""
        async with self._clock:
            await self.account.stop()
            await self.webhooks.clear()
            self.webhooks.use(Delivering())
            self.faults.rules = []
            self.api.idempotency.clear()
            self.account.clear()
            self._add_endpoint()

    async def advance(self, seconds: int) -> int:
        """Move the time of everything without a test clock, and do what is due by then."""
        self.account.offset += seconds
        return await self._catch_up()

    def _add_endpoint(self) -> None:
        url, secret = self._webhook
        if url:
            endpoints.make(self.account, url, ["*"], secret)

    def _follow(self, event: Obj) -> None:
        """Let what belongs to a payment follow it, however it was paid."""
        if event["data"]["object"]["object"] == "payment_intent":
            invoicing.follow(self.account, event)
            checkout_payment.follow(self.account, event)

    async def _catch_up(self) -> int:
        async with self._clock:
            return await clocks.run(self.account, None, self.account.now())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            try:
                await self._catch_up()
            except Exception:  # noqa: BLE001 # time goes on
                _log.exception("the clock stumbled")

    def _http(self) -> ClientSession:
        if self._session is None:
            raise RuntimeError("not started")
        return self._session
