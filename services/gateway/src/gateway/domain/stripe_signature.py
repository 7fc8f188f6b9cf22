"""Whether a webhook is Stripe's: signed with a secret of ours, and not long ago.

Source: https://docs.stripe.com/webhooks/signature
"""

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

TOLERANCE = timedelta(seconds=300)
_DIGITS = 12


class NotFromStripe(Exception):
    """Nobody with a secret of ours signed it lately."""


def check(header: str, body: bytes, secrets: Sequence[str], now: datetime) -> tuple[datetime, str]:
    """Return when it was signed, and the signature that is right.

    Several secrets serve while one replaces another. Raises NotFromStripe.
    """
    parts = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name.strip() == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()) or len(times[0]) > _DIGITS:
        raise NotFromStripe
    signed_at = datetime.fromtimestamp(int(times[0]), UTC)
    if abs(now - signed_at) > TOLERANCE:
        raise NotFromStripe
    given = [value for name, _, value in parts if name.strip() == "v1"]
    for secret in secrets:
        right = hmac.new(secret.encode(), times[0].encode() + b"." + body, sha256).hexdigest()
        if any(hmac.compare_digest(right.encode(), each.encode()) for each in given):
            return signed_at, right
    raise NotFromStripe
