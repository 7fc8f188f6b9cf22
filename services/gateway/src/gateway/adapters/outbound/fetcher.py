"""Images from addresses that clients name: only public ones, and size and time are limited."""

import asyncio
from collections.abc import Iterable
from functools import cached_property
from ssl import SSLContext

import httpx

from chassis.guard import ForbiddenAddress, GuardedTransport
from chassis.settings import Network
from gateway.application.ports import CannotFetch, Fetched, StoreUnavailable, UploadLink

LARGEST = 20 * 1024 * 1024
_SECONDS = 20.0
_AT_ONCE = 8
_REDIRECTS = 3
_KINDS = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))


class GuardedFetcher:
    """Fetches images of at most 20 MiB, a few at a time, and sends no credentials."""

    def __init__(self, trusted: Iterable[Network]) -> None:
        self._trusted = tuple(trusted)
        self._turn = asyncio.Semaphore(_AT_ONCE)

    @cached_property
    def _tls(self) -> SSLContext:
        """The certificates that are trusted: 1 MB where something is fetched."""
        return httpx.create_ssl_context()

    async def fetch(self, url: str) -> Fetched:
        """Fetch an image from a public address. Raises CannotFetch."""
        try:
            async with self._turn, asyncio.timeout(_SECONDS):
                data = await self._read(url)
        except ForbiddenAddress as error:
            raise CannotFetch("url_refused", "This address is not a public one.") from error
        except TimeoutError as error:
            raise CannotFetch("url_unreachable", f"It took longer than {_SECONDS:.0f} seconds.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CannotFetch("url_unreachable", f"Fetching failed: {type(error).__name__}.") from error
        return Fetched(_kind(data), data)

    async def put(self, link: UploadLink, image: Fetched) -> None:
        """Put an image where the link leads. Raises StoreUnavailable."""
        try:
            async with httpx.AsyncClient(verify=self._tls, timeout=_SECONDS) as store:
                answer = await store.put(link.url, content=image.data, headers=link.headers)
                answer.raise_for_status()
        except httpx.HTTPError as error:
            raise StoreUnavailable(str(error)) from error

    async def _read(self, url: str) -> bytes:
        whole = bytearray()
        async with self._outside() as client, client.stream("GET", url) as answer:
            if answer.status_code != 200:
                raise CannotFetch("url_unreachable", f"The address answered {answer.status_code}.")
            async for chunk in answer.aiter_raw():  # packed it is no image, and cannot grow here
                whole += chunk
                if len(whole) > LARGEST:
                    raise CannotFetch("image_too_large", f"An image has at most {LARGEST} bytes.")
        return bytes(whole)

    def _outside(self) -> httpx.AsyncClient:
        transport = GuardedTransport(self._trusted, self._tls, schemes=("https", "http"))
        return httpx.AsyncClient(
            transport=transport,
            timeout=10.0,
            follow_redirects=True,
            max_redirects=_REDIRECTS,
            headers={"Accept-Encoding": "identity"},
        )


def _kind(data: bytes) -> str:
    """Tell the type by the first bytes, whatever the server calls it; jobs decodes it whole before use."""
    for start, kind in _KINDS:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    raise CannotFetch("not_an_image", "The address gives no JPEG, PNG or WebP.")
