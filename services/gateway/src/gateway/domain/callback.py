"""What the provider signs when it calls back: https://docs.fal.ai/model-endpoints/webhooks."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

LONGEST_AGE = 300
"""Seconds between signing and receiving, in either direction."""


class InvalidSignature(Exception):
    """Not signed by the provider, or too long ago."""


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A webhook as it came: the four signature headers and the raw body."""

    request_id: str
    user_id: str
    timestamp: str
    signature: str
    body: bytes

    def message(self) -> bytes:
        """Build the bytes that were signed."""
        parts = (self.request_id, self.user_id, self.timestamp, sha256(self.body).hexdigest())
        return "\n".join(parts).encode()

    def signature_bytes(self) -> bytes:
        """Read the signature; raises InvalidSignature unless it is hexadecimal."""
        try:
            return bytes.fromhex(self.signature)
        except ValueError as error:
            raise InvalidSignature from error

    def check_age(self, now: datetime) -> None:
        """Raise InvalidSignature when it was signed too long ago, or in the future."""
        if not (self.timestamp.isascii() and self.timestamp.isdigit() and len(self.timestamp) <= 12):
            raise InvalidSignature
        if abs(now.timestamp() - int(self.timestamp)) > LONGEST_AGE:
            raise InvalidSignature
