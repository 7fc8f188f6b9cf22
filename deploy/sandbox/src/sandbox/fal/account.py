"""One fal account: its queue, its memory, its webhooks."""

import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import ClientSession, TCPConnector
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.fal.faults import Faults
from sandbox.fal.fetching import Fetcher
from sandbox.fal.media import Media
from sandbox.fal.records import Records, Submit
from sandbox.fal.runner import Runner
from sandbox.fal.studio import Studio
from sandbox.fal.timing import Timing
from sandbox.fal.webhooks import Signer, Webhooks

_PAINTERS = 2


class Account:
    """Everything that is remembered, and who works on it."""

    def __init__(self, key: Ed25519PrivateKey, trust: ssl.SSLContext, cache_bytes: int) -> None:
        self._pool = ThreadPoolExecutor(_PAINTERS, thread_name_prefix="artist")
        self._session = ClientSession(connector=TCPConnector(ssl=trust, limit=200))
        self.studio = Studio(Media(self._pool, cache_bytes), Fetcher(self._session), self._pool)
        self.faults = Faults()
        self.records = Records()
        self.signer = Signer(key)
        self.webhooks = Webhooks(self.studio, self.faults, self.signer, self._session)
        self.runner = Runner(self.studio, self.webhooks.announce)

    def accept(self, submit: Submit) -> None:
        """Take a request into the queue."""
        submit.accept()
        self.records.accepted(submit)
        self.runner.enqueue(submit)

    def status(self, submit: Submit, *, logs: bool) -> dict[str, Any]:
        """Return what the status call answers."""
        body: dict[str, Any] = {"status": submit.state, "request_id": submit.request_id, **submit.urls()}
        if submit.state == "IN_QUEUE":
            return body | {"queue_position": self.runner.position(submit)}
        body["logs"] = submit.logs if logs else None
        if submit.outcome is not None:
            body["metrics"] = {"inference_time": submit.inference_seconds}
            if not submit.outcome.ok:
                body |= {"error": submit.outcome.error, "error_type": submit.outcome.error_type}
        return body

    async def reset(self) -> None:
        """Back to the beginning: no requests, faults or deliveries, the usual timing; files stay."""
        await self.runner.clear()
        await self.webhooks.clear()
        self.records.clear()
        self.faults.rules = []
        self.set_timing(Timing())

    def set_timing(self, timing: Timing) -> None:
        """Change how long things take from now on."""
        self.studio.timing = timing
        self.runner.pump()

    async def close(self) -> None:
        """Stop working."""
        await self.runner.clear()
        await self.webhooks.clear()
        await self._session.close()
        self._pool.shutdown(cancel_futures=True)
