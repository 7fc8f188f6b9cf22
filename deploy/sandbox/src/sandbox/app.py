"""The ports: fal over TLS, S3, Stripe, SMTP, and the control API with the receiver of traces."""

import ssl

from aiohttp import web

from sandbox import certificates, mail, s3, stripe, traces
from sandbox.fal.account import Account
from sandbox.fal.api import QueueApi
from sandbox.fal.control import control_routes
from sandbox.settings import Settings

_SHUTDOWN_SECONDS = 1.0


class Sandbox:
    """All stand-ins, started and stopped together."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runners: list[web.AppRunner] = []
        self._account: Account | None = None
        self._stripe: stripe.Stripe | None = None
        self._mail = mail.Catcher()
        self.fal_port = 0
        self.s3_port = 0
        self.stripe_port = 0
        self.control_port = 0
        self.smtp_port = 0

    async def start(self) -> None:
        """Listen; afterwards the ports are known."""
        settings = self._settings
        ca = certificates.authority(settings.ca_dir)
        key = certificates.webhook_key(settings.ca_dir)
        cache = settings.cache_megabytes * 1024 * 1024
        account = self._account = Account(key, certificates.client_context(ca), cache)
        tls = certificates.server_context(ca, settings.names())
        bucket = s3.create_app(settings)
        self._stripe = stripe.Stripe(
            settings.stripe_key, settings.stripe_webhook_url, settings.stripe_webhook_secret
        )
        control = web.Application()
        control.add_routes([*control_routes(account), *s3.control_routes(bucket), *traces.routes()])
        control.add_routes(stripe.control_routes(self._stripe))
        control.add_routes(mail.routes(self._mail))
        queue = QueueApi(account, settings.fal_key).create_app()
        self.fal_port = await self._serve(queue, settings.fal_port, tls)
        self.s3_port = await self._serve(bucket, settings.s3_port, decompress=False)
        self.smtp_port = await self._mail.start(settings.host, settings.smtp_port)
        self.stripe_port = await self._serve(self._stripe.create_app(), settings.stripe_port)
        await self._stripe.start(settings.stripe_pages_url or f"http://{settings.host}:{self.stripe_port}")
        self.control_port = await self._serve(control, settings.control_port)

    async def stop(self) -> None:
        """Stop listening and forget what is running."""
        await self._mail.stop()
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        if self._account is not None:
            await self._account.close()
        if self._stripe is not None:
            await self._stripe.stop()

    async def _serve(
        self, app: web.Application, port: int, tls: ssl.SSLContext | None = None, *, decompress: bool = True
    ) -> int:
        # A client that hangs up ends its handler: nobody waits for it any more.
        runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=True,
            auto_decompress=decompress,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, self._settings.host, port, ssl_context=tls).start()
        bound: int = runner.addresses[0][1]
        return bound
