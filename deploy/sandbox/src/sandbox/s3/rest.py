"""The rest of S3 (bucket settings, tags, ACLs), answered by moto, which gets objects when asked of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from sandbox.s3.store import Store

if TYPE_CHECKING:
    from werkzeug.test import Client, TestResponse

_HOST = "http://localhost"
_HOP_BY_HOP = {"connection", "content-length", "date", "server", "transfer-encoding"}


class Rest:
    """moto in one thread of its own: it is synchronous, and not built for two requests at a time."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="moto")
        self._client: Client | None = None

    async def answer(self, request: web.Request, key: str, body: bytes, store: Store) -> web.Response:
        """Let moto answer a request that was already authenticated and allowed."""
        run = asyncio.get_running_loop().run_in_executor
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        return await run(
            self._thread, self._answer, request.method, request.raw_path, headers, body, key, store
        )

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def _answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes, key: str, store: Store
    ) -> web.Response:
        client = self._started()
        if key:
            self._mirror(client, key, store)
        answer = client.open(target, base_url=_HOST, method=method, headers=headers, data=body)
        return _translated(answer)

    def _started(self) -> Client:
        if self._client is None:
            # Imported late: moto takes a second and 100 MB, and most runs never need it.
            from moto.moto_server.werkzeug_app import create_backend_app
            from werkzeug.test import Client

            self._client = Client(create_backend_app("s3"))
            self._client.put(f"/{self._bucket}", base_url=_HOST)
        return self._client

    def _mirror(self, client: Client, key: str, store: Store) -> None:
        """Give moto the object it will be asked about, unless it has this very one."""
        path = f"/{self._bucket}/{quote(key)}"
        stored = store.get(key)
        if stored is None:
            client.delete(path, base_url=_HOST)
        elif client.head(path, base_url=_HOST).headers.get("ETag") != f'"{stored.etag}"':
            client.put(path, base_url=_HOST, data=store.read(stored))


def _translated(answer: TestResponse) -> web.Response:
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
    return web.Response(status=answer.status_code, headers=headers, body=answer.data)
