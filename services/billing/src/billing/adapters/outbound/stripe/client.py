"""Stripe's own client, as we use it: asynchronous, bounded in time, with retries, on one API version."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from stripe import HTTPXClient, StripeClient

API_VERSION = "2026-10-28.endive"
SECONDS = 10
RETRIES = 2
"""The client tries again by itself when a connection fails or Stripe says 409 or 5xx, under the same key."""


def connect(
    secret_key: str, address: str | None
) -> tuple[StripeClient, Callable[[], AbstractAsyncContextManager[None]]]:
    """Make the client; `address` is where the API is, Stripe itself when there is none.

    The second is to be opened around its use: it closes the connections.
    """
    http = HTTPXClient(timeout=SECONDS)
    client = StripeClient(
        secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": address} if address else None,
        max_network_retries=RETRIES,
        http_client=http,
    )

    @asynccontextmanager
    async def closing() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await http.close_async()  # type: ignore[no-untyped-call] # the client leaves it without types

    return client, closing


@asynccontextmanager
async def connected(secret_key: str, address: str | None) -> AsyncIterator[StripeClient]:
    """Make the client for one use."""
    client, closing = connect(secret_key, address)
    async with closing():
        yield client
