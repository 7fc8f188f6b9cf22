"""Passwords, hashed with argon2id: 19 MiB each, two at a time, beside the event loop."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError


class Argon2Passwords:
    """argon2id with OWASP's parameters (m = 19 MiB, t = 2, p = 1), unless told others."""

    def __init__(self, at_once: int = 2, rounds: int = 2, memory_kib: int = 19 * 1024) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._turn = asyncio.Semaphore(at_once)
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Hash a new password."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Check a password; takes as long when there is none to compare with."""
        async with self._turn:
            same = await asyncio.to_thread(self._verify, password_hash or self._nobody, password)
        return same and password_hash is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerifyMismatchError:
            return False
