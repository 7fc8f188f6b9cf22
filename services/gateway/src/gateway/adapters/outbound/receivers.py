"""Clients' webhook endpoints: signed posts to public addresses, and what they answer, in words."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from urllib.parse import urlsplit

import httpx
from opentelemetry.trace import SpanKind
from standardwebhooks import Webhook

from chassis.guard import ForbiddenAddress, GuardedTransport, addresses
from chassis.settings import Network
from chassis.telemetry import tracer
from gateway.application.sending import AddressRefused, Letter
from gateway.domain.webhooks import Answer

PATIENCE = 15.0
_RESOLVED_IN = 5.0
_EXCERPT, _READ_IN = 500, 2.0
_PORTS = {"http": 80, "https": 443}
_FIRST_FREE_PORT = 1024
_PRIVATE = "leads to a private address, where nothing is sent"


class HttpReceivers:
    """Posts letters; never follows a redirect, reads no more of an answer than is shown."""

    def __init__(self, trusted: Iterable[Network], patience: float = PATIENCE) -> None:
        self._trusted, self._patience = tuple(trusted), patience
        self._tracer = tracer("gateway.receivers")

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        """The client and the certificates it trusts: 1 MB where something is sent."""
        transport = GuardedTransport(self._trusted, httpx.create_ssl_context(), schemes=tuple(_PORTS))
        return httpx.AsyncClient(
            transport=transport,
            timeout=self._patience,
            headers={"User-Agent": "Atelier-Webhooks/1.0", "Accept-Encoding": "identity"},
        )

    async def check(self, url: str) -> None:
        """Raise AddressRefused when nothing may be sent there."""
        host, port = _place(url)
        try:
            async with asyncio.timeout(_RESOLVED_IN):
                await addresses(host, port, self._trusted)
        except ForbiddenAddress:
            raise AddressRefused(f"{host} {_PRIVATE}.") from None
        except (OSError, TimeoutError):  # in this order: a TimeoutError is an OSError too
            raise AddressRefused(f"The name {host} does not resolve.") from None

    async def send(self, letter: Letter) -> Answer:
        """Send a letter once and tell what was answered; never raises for what is wrong over there."""
        began = time.perf_counter()
        status, excerpt, error = await self._tried(letter)
        return Answer(status, round((time.perf_counter() - began) * 1000), excerpt, error)

    async def close(self) -> None:
        """Close the connections."""
        if "_http" in vars(self):
            await self._http.aclose()

    async def _tried(self, letter: Letter) -> tuple[int | None, str, str]:
        try:
            host, _ = _place(letter.url)
        except AddressRefused as refused:
            return None, "", str(refused)
        with self._tracer.start_as_current_span("webhook", kind=SpanKind.CLIENT) as span:
            span.set_attribute("server.address", host)
            try:
                async with asyncio.timeout(self._patience):
                    return await self._posted(letter)
            except (TimeoutError, httpx.HTTPError, ForbiddenAddress) as error:
                return None, "", _in_words(error, host, self._patience)

    async def _posted(self, letter: Letter) -> tuple[int | None, str, str]:
        request = self._http.build_request("POST", letter.url, content=letter.body, headers=_signed(letter))
        answer = await self._http.send(request, stream=True)
        try:
            return answer.status_code, await _excerpt(answer), _refusal(answer)
        finally:
            await answer.aclose()


def _place(url: str) -> tuple[str, int]:
    """Find host and port of an address. Raises AddressRefused for what is none we would send to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme, 0)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise AddressRefused("This is no address.") from None
    if parts.scheme not in _PORTS or not host:
        raise AddressRefused("The address must start with https:// or http:// and name a host.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("The address must not hold a user name or a password.")
    if port not in _PORTS.values() and port < _FIRST_FREE_PORT:
        raise AddressRefused(f"Nothing is sent to port {port}: use 80, 443, or one from 1024.")
    return host, port


def _signed(letter: Letter) -> dict[str, str]:
    """Sign as Standard Webhooks says (https://www.standardwebhooks.com), once with each secret."""
    signatures = [Webhook(secret).sign(letter.id, letter.at, letter.body) for secret in letter.secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": letter.id,
        "webhook-timestamp": str(int(letter.at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


async def _excerpt(answer: httpx.Response) -> str:
    """Read the beginning of an answer as it came, and leave the rest; its head has decided already."""
    read = b""
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_READ_IN):
            async for chunk in answer.aiter_raw():
                read += chunk
                if len(read) >= _EXCERPT:
                    break
    return read[:_EXCERPT].decode("utf-8", "replace").replace("\x00", "\ufffd")


def _refusal(answer: httpx.Response) -> str:
    if answer.is_success:
        return ""
    if answer.has_redirect_location:
        place = answer.headers["location"][:200]
        return (
            f"Answered {answer.status_code}, a redirect to {place}, which is not followed: "
            "register the address it leads to."
        )
    return f"Answered {answer.status_code}."


def _in_words(error: Exception, host: str, patience: float) -> str:
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return f"No answer within {patience:g} seconds."
    if isinstance(error, ForbiddenAddress):
        return f"{host} {_PRIVATE}."
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return f"The name {host} does not resolve."
        if isinstance(cause, ssl.SSLError):
            return f"TLS: {getattr(cause, 'verify_message', '') or cause.reason or cause}."
    if isinstance(error, httpx.ConnectError):
        return "The connection was refused or could not be made."
    return f"The connection broke: {type(error).__name__}."


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
