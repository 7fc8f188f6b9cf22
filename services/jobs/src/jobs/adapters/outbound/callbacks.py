import hashlib
import hmac
from urllib.parse import urlencode
from uuid import UUID


class SignedCallbacks:
    """Callback addresses that carry HMAC-SHA256 of the attempt's id under a key only jobs has.

    The provider's own signature does not cover the address, so without it any run of the account could answer
    for any attempt.
    """

    def __init__(self, public_url: str, key: str) -> None:
        if not key:
            raise ValueError("the callback key is empty")
        self._address = public_url.rstrip("/") + "/api/webhooks/fal"
        self._key = key.encode()

    def url(self, attempt_id: UUID, traceparent: str | None = None) -> str:
        """Return the address the provider calls when this attempt ends, and the trace that goes on there."""
        query = {"attempt": str(attempt_id), "mac": self._mac(attempt_id)}
        return f"{self._address}?{urlencode(query | ({'trace': traceparent} if traceparent else {}))}"

    def genuine(self, attempt_id: UUID, mac: str) -> bool:
        """Tell whether the MAC is ours for this attempt (compared in constant time)."""
        return hmac.compare_digest(self._mac(attempt_id).encode(), mac.encode())

    def _mac(self, attempt_id: UUID) -> str:
        return hmac.new(self._key, str(attempt_id).encode(), hashlib.sha256).hexdigest()
