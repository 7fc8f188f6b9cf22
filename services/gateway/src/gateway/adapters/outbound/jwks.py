"""The provider's Ed25519 keys, from its JWKS document (RFC 7517, RFC 8037)."""

import asyncio
import base64
import logging
import time
from typing import Any

import httpx
from cryptography.exceptions import InvalidSignature as Mismatch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.application.ports import KeysUnavailable
from gateway.domain.callback import InvalidSignature, SignedCall

logger = logging.getLogger(__name__)
KEPT_FOR = 24 * 3600
FETCHED_AT_MOST_EVERY = 60


class JwksKeys:
    """Keeps the keys for a day; asks again, at most once a minute, when none of them fits."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: list[Ed25519PublicKey] = []
        self._fetched = self._tried = float("-inf")
        self._fetching = asyncio.Lock()

    async def verify(self, call: SignedCall) -> None:
        """Raise InvalidSignature unless one of the keys signed the call."""
        signature, message = call.signature_bytes(), call.message()
        if time.monotonic() - self._fetched > KEPT_FOR:
            await self._refresh()
        if any(_signed(key, signature, message) for key in self._keys):
            return
        before = self._fetched
        await self._refresh()
        if self._fetched == before or not any(_signed(key, signature, message) for key in self._keys):
            raise InvalidSignature

    async def _refresh(self) -> None:
        wanted = time.monotonic()
        async with self._fetching:
            now = time.monotonic()
            pause = FETCHED_AT_MOST_EVERY if self._keys else 0
            # Whoever waited while another asked takes that answer: a flood asks once, not one by one.
            if self._tried < wanted and now - self._tried >= pause:
                self._tried = now
                await self._fetch()
        if time.monotonic() - self._fetched > KEPT_FOR:
            raise KeysUnavailable

    async def _fetch(self) -> None:
        try:
            async with httpx.AsyncClient(timeout=5) as client:
                answer = (await client.get(self._url)).raise_for_status().json()
            keys = [_key(key) for key in answer["keys"] if key.get("crv") == "Ed25519"]
            if not keys:
                raise ValueError("there are none")
            self._keys, self._fetched = keys, time.monotonic()
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("the provider's keys cannot be fetched: %s: %s", type(error).__name__, error)


def _key(jwk: dict[str, Any]) -> Ed25519PublicKey:
    x = str(jwk["x"])
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))


def _signed(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except Mismatch:
        return False
    return True
