"""Tokens and secrets that nobody can guess; tokens are kept only as their SHA-256."""

import base64
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest

KEY_PREFIX = "atl_"
_SHOWN = len(KEY_PREFIX) + 6


def new_token() -> str:
    """Make a token of 256 random bits."""
    return secrets.token_urlsafe(32)


def new_webhook_secret() -> str:
    """Make a secret that signs webhooks: 256 random bits, as Standard Webhooks writes them."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def hash_of(token: str) -> bytes:
    """Reduce a token to what is stored; a random token needs no slow hash."""
    return sha256(token.encode()).digest()


def csrf_token(session_token: str) -> str:
    """Derive what a form must carry to prove that it was made for this session."""
    return sha256(f"csrf:{session_token}".encode()).hexdigest()


def is_csrf_token(given: str, session_token: str) -> bool:
    """Tell whether a form was made for this session."""
    return compare_digest(given.encode(), csrf_token(session_token).encode())


@dataclass(frozen=True, slots=True)
class KeySecret:
    """The secret of a new API key; it is shown once and never stored."""

    text: str = field(default_factory=lambda: KEY_PREFIX + new_token())

    @property
    def prefix(self) -> str:
        """The few characters by which a person recognises the key later."""
        return self.text[:_SHOWN]

    @property
    def hash(self) -> bytes:
        """What is stored and looked up."""
        return hash_of(self.text)
