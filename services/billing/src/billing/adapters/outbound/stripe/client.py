"""Stripe's own client, as we use it: asynchronous, bounded in time, with retries, on one API version."""

from stripe import HTTPXClient, StripeClient

API_VERSION = "2026-10-28.endive"
SECONDS = 10
RETRIES = 2
"""The client tries again by itself when a connection fails or Stripe says 409 or 5xx, under the same key."""


def connect(secret_key: str, address: str | None) -> StripeClient:
    """Make the client; `address` is where the API is, Stripe itself when there is none."""
    return StripeClient(
        secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": address} if address else None,
        max_network_retries=RETRIES,
        http_client=HTTPXClient(timeout=SECONDS),
    )
