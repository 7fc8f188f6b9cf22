import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from urllib.parse import urlsplit
from urllib.request import getproxies
from uuid import UUID

import fal_client
import httpx
from opentelemetry.propagate import inject
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from chassis.pool import Pool, Transport
from chassis.telemetry import tracer
from jobs.adapters.outbound.fal import answers
from jobs.adapters.outbound.fal.endpoints import Endpoint, endpoint_for
from jobs.adapters.outbound.fal.one_post import ATTEMPT, Attempt, OnePost, SecondPost
from jobs.application.ports import CallForgotten, ProviderUnavailable, SubmitInDoubt, SubmitRefused
from jobs.domain.calls import Failed, Outcome, ProviderCall, ProviderStatus, Submitted

Download = Callable[[str, int], Awaitable[bytes]]

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
# Where fal-client turns when the first cannot be reached.
_BACKUP_HOSTS = {"queue.fal.run": "queue.falrun.com"}


class Fal:
    """The provider, through fal-client as it is published.

    fal-client reads the queue's host from `FAL_QUEUE_RUN_HOST` when it is imported; `queue_host` must be the
    same. It sends our key, so only addresses on that host are ever asked.
    """

    def __init__(
        self,
        key: str,
        queue_host: str,
        download: Download,
        *,
        submit_timeout: float = 30.0,
        call_timeout: float = 15.0,
    ) -> None:
        loaded = fal_client.client.QUEUE_URL_FORMAT
        if loaded != f"https://{queue_host}/":
            raise ValueError(f"fal-client was loaded for {loaded}, not for {queue_host}")
        self._client = fal_client.AsyncClient(key=key, default_timeout=submit_timeout)
        self._host = queue_host
        self._hosts = {queue_host, _BACKUP_HOSTS.get(queue_host, queue_host)}
        self._submit_timeout, self._call_timeout = submit_timeout, call_timeout
        self._download = download
        self._posts = OnePost()
        self._tracer = tracer("jobs.fal")

    def endpoint(self, call: ProviderCall) -> str:
        """Name the model of fal that does this call."""
        return endpoint_for(call).id

    async def submit(self, call: ProviderCall, attempt_id: UUID, callback_url: str) -> Submitted:
        """Hand the call over: one POST, never repeated. Raises SubmitRefused, NotAccepted, SubmitInDoubt."""
        endpoint = endpoint_for(call)
        with self._span("fal submit", **{"fal.endpoint": endpoint.id, "attempt_id": str(attempt_id)}) as note:
            attempt = self._posts.open(str(attempt_id))
            try:
                handle = await self._post(endpoint, call, attempt_id, callback_url, attempt)
            finally:
                self._posts.close(str(attempt_id))
            note("fal.request_id", handle.request_id)
            return self._accepted(handle)

    def locate(self, endpoint: str, request_id: str) -> Submitted:
        """Build the addresses of a request whose answer was lost (owner and application, no sub-path)."""
        if not _REQUEST_ID.fullmatch(request_id):
            raise ValueError("not a request id of fal")
        app = "/".join(endpoint.split("/")[:2])
        base = f"https://{self._host}/{app}/requests/{request_id}"
        return Submitted(request_id, base, f"{base}/status", f"{base}/cancel")

    async def status(self, submitted: Submitted) -> ProviderStatus:
        """Ask how far it is. Raises ProviderUnavailable, CallForgotten."""
        answer = await self._ask("GET", submitted, submitted.status_url, params={"logs": "1"})
        if answer.status_code == 404:
            raise CallForgotten("status answered 404")
        if answer.status_code not in {200, 202}:
            raise ProviderUnavailable(f"status answered {answer.status_code}")
        try:
            return answers.status(answer.json())
        except ValueError as error:
            raise ProviderUnavailable(f"status: {error}") from error

    async def fetch(self, submitted: Submitted) -> Outcome:
        """Fetch the outcome of a completed call. Raises ProviderUnavailable."""
        answer = await self._ask("GET", submitted, submitted.response_url)
        try:
            body: object = answer.json()
        except ValueError as error:
            raise ProviderUnavailable(f"result answered {answer.status_code}, not JSON") from error
        if answer.status_code == 200:
            return answers.output(body) or Failed("provider_error", "neither images nor weights came")
        if (failed := answers.failure(body, answer.headers)) is not None:
            return failed
        if answer.status_code == 422:
            return Failed("invalid_input", "the provider refused the input")
        raise ProviderUnavailable(f"result answered {answer.status_code}")

    async def cancel(self, submitted: Submitted) -> bool:
        """Ask it to stop; False when it is completed or unknown. Raises ProviderUnavailable."""
        answer = await self._ask("PUT", submitted, submitted.cancel_url)
        if answer.status_code in {400, 404}:
            return False
        if not answer.is_success:
            raise ProviderUnavailable(f"cancel answered {answer.status_code}")
        return True

    def parse_callback(self, body: str) -> Outcome | None:
        """Read the outcome in a webhook; None when it has to be fetched. Raises ValueError if malformed."""
        return answers.callback(body)

    async def download(self, url: str, limit: int) -> bytes:
        """Fetch a result file of at most `limit` bytes. Raises ProviderUnavailable, ResultGone."""
        return await self._download(url, limit)

    async def close(self) -> None:
        """Close the connections; fal-client has no word for it."""
        await (await self._http()).aclose()

    async def _post(
        self, endpoint: Endpoint, call: ProviderCall, attempt_id: UUID, callback_url: str, attempt: Attempt
    ) -> fal_client.AsyncRequestHandle:
        await self._http()
        headers = {**endpoint.headers(), ATTEMPT: str(attempt_id)}
        inject(headers)
        arguments = _arguments(endpoint, call)
        try:
            async with asyncio.timeout(self._submit_timeout):
                return await self._client.submit(
                    endpoint.id,
                    arguments,
                    webhook_url=callback_url,
                    headers=headers,
                    start_timeout=call.start_timeout,
                )
        except (
            SecondPost,
            TimeoutError,
            httpx.HTTPError,
            fal_client.FalClientError,
            KeyError,
            ValueError,
        ) as end:
            # Not chained: httpx' messages show the callback address with its MAC.
            raise attempt.verdict(type(end).__name__) from None

    def _accepted(self, handle: fal_client.AsyncRequestHandle) -> Submitted:
        submitted = Submitted(handle.request_id, handle.response_url, handle.status_url, handle.cancel_url)
        if not all(self._ours(url) for url in list(asdict(submitted).values())[1:]):
            raise SubmitInDoubt("accepted, but to be asked for at a foreign address")
        return submitted

    async def _ask(
        self, method: str, submitted: Submitted, url: str, params: dict[str, str] | None = None
    ) -> httpx.Response:
        """Ask once, for a bounded time; fal-client's own calls would repeat for a minute and drop headers."""
        if not self._ours(url):
            raise ProviderUnavailable("a foreign address is not asked")
        http = await self._http()
        purpose = url.rpartition("/")[2] if url != submitted.response_url else "result"
        with self._span(f"fal {purpose}", **{"fal.request_id": submitted.request_id}):
            try:
                async with asyncio.timeout(self._call_timeout):
                    return await http.request(method, url, params=params)
            except (TimeoutError, httpx.HTTPError) as error:
                raise ProviderUnavailable(f"{purpose}: {type(error).__name__}") from error

    async def _http(self) -> httpx.AsyncClient:
        """Watch and return fal-client's HTTP client; private there, so its version is pinned and tested."""
        http: httpx.AsyncClient = await self._client._client  # noqa: SLF001 (no public way)
        if not http.event_hooks["request"]:
            self._posts.install(http)
            if not getproxies().keys() & {"http", "https", "all"}:  # fal-client's own goes through a proxy
                http._transport = _transport()  # noqa: SLF001 (no public way)
        return http

    def _ours(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.netloc in self._hosts

    @contextmanager
    def _span(self, name: str, **attributes: str) -> Iterator[Callable[[str, AttributeValue], None]]:
        with self._tracer.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes) as span:
            yield span.set_attribute


def _transport() -> httpx.AsyncBaseTransport:
    """Make fal-client's transport, with as many connections and as long idle as it has by itself."""
    tls = httpx.create_ssl_context()
    pool = Pool(tls, max_connections=100, max_keepalive_connections=40, keepalive_expiry=5.0)
    return fal_client.client.AsyncBackupDomainTransport(transport=Transport(pool, tls))


def _arguments(endpoint: Endpoint, call: ProviderCall) -> dict[str, object]:
    try:
        return endpoint.arguments(call)
    except ValueError as error:
        raise SubmitRefused("invalid_input", f"seed: {error}") from error
