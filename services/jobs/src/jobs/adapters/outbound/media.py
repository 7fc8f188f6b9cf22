"""Files of the provider, fetched with care: size, time and address are limited, TLS is verified."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import BinaryIO

import httpx
from opentelemetry.trace import SpanKind

from chassis.guard import ForbiddenAddress, GuardedTransport
from chassis.settings import Network
from chassis.telemetry import tracer
from jobs.application.ports import ProviderUnavailable, ResultGone

_CHUNK = 1 << 16
# Nothing is unpacked on the way: a few bytes could become more than there is memory, before any is counted.
_AS_IT_IS = {"Accept-Encoding": "identity"}
_REDIRECTS = 3
_IDLE = httpx.Timeout(15.0, connect=10.0)
# A floor of speed: a file may take this long, and another second for each megabyte it may have.
_PATIENCE, _BYTES_PER_SECOND = 30.0, 1_000_000
_LONGEST_HEADER = 100_000_000
_NEVER = (
    ForbiddenAddress,
    httpx.TooManyRedirects,
    httpx.InvalidURL,
    httpx.UnsupportedProtocol,
)


class Media:
    """Downloads result files; sends no credentials."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._tracer = tracer("jobs.media")
        transport = GuardedTransport(trusted, httpx.create_ssl_context())
        self._http = httpx.AsyncClient(
            headers=_AS_IT_IS,
            transport=transport,
            timeout=_IDLE,
            follow_redirects=True,
            max_redirects=_REDIRECTS,
        )

    async def download(self, url: str, limit: int) -> bytes:
        """Fetch a file of at most `limit` bytes. Raises ProviderUnavailable, ResultGone."""
        whole = bytearray()
        async with self._chunks(url, limit) as chunks:
            async for chunk in chunks:
                whole += chunk
        return bytes(whole)

    async def save_weights(self, url: str, limit: int, file: BinaryIO) -> int:
        """Write weights of at most `limit` bytes to a file, and return their size.

        Raises ProviderUnavailable, and ResultGone also for what is not weights.
        """
        size = 0
        async with self._chunks(url, limit) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                await asyncio.to_thread(file.write, chunk)
        if not await asyncio.to_thread(_is_safetensors, file, size):
            raise ResultGone("the file holds no weights")
        return size

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    @asynccontextmanager
    async def _chunks(self, url: str, limit: int) -> AsyncIterator[AsyncIterator[bytes]]:
        with self._tracer.start_as_current_span("fal download", kind=SpanKind.CLIENT) as span:
            try:
                span.set_attribute("server.address", httpx.URL(url).host)
                async with (
                    asyncio.timeout(_PATIENCE + limit / _BYTES_PER_SECOND),
                    self._http.stream("GET", url) as response,
                ):
                    _check(response, limit)
                    yield _limited(response, limit)
            except _NEVER as error:
                raise ResultGone(f"download: {type(error).__name__} {error}") from error
            except (TimeoutError, httpx.TransportError) as error:
                raise ProviderUnavailable(f"download: {type(error).__name__}") from error


def _check(response: httpx.Response, limit: int) -> None:
    """Judge the answer by its head: what cannot come right later is gone."""
    status = response.status_code
    if status == 429 or status >= 500:
        raise ProviderUnavailable(f"download answered {status}")
    if status != 200:
        raise ResultGone(f"download answered {status}")
    if (encoding := response.headers.get("content-encoding", "identity")) != "identity":
        raise ResultGone(f"sent as {encoding}, which was not asked for")
    if int(response.headers.get("content-length", 0)) > limit:
        raise ResultGone(f"larger than {limit} bytes")


def _is_safetensors(file: BinaryIO, size: int) -> bool:
    """Tell whether a whole file of weights has arrived.

    It starts with the length of its header (8 bytes, little-endian); the header, JSON, names each tensor and
    the offsets of its data, which end where the file ends (https://github.com/huggingface/safetensors).
    """
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(_LONGEST_HEADER, size - 8):
        return False
    try:
        tensors = json.loads(file.read(length))
        ends = [tensor["data_offsets"][1] for name, tensor in tensors.items() if name != "__metadata__"]
    except (ValueError, LookupError, TypeError, AttributeError):
        return False
    return max(ends, default=0) == size - 8 - length > 0


async def _limited(response: httpx.Response, limit: int) -> AsyncIterator[bytes]:
    """Pass the body on until it grows beyond the limit, whatever its head said."""
    size = 0
    async for chunk in response.aiter_raw(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise ResultGone(f"larger than {limit} bytes")
        yield chunk
