"""Webhooks, verified: whether one is really from Atelier, and what it says."""

from collections.abc import Mapping

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from atelier.documents import Event
from atelier.problems import AtelierError


class Forged(AtelierError):
    """A webhook that is not signed with this secret, or was signed too long ago: answer 400."""


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes | str) -> Event:
    """Check the signature and age of a webhook, and read its event.

    `body` is what was received, byte for byte. An event may come twice: `webhook-id` tells. Raises Forged.
    """
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as error:  # ValueError: headers or body are no such thing
        raise Forged(f"the webhook is not genuine: {error}") from error
    return Event.model_validate_json(body)
