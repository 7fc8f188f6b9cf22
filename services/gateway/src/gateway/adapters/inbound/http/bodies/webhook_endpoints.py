"""Webhook endpoints as clients see them, and what was sent to them."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from gateway.adapters.inbound.http.bodies.common import Body, Clean, PageQuery, Strict
from gateway.adapters.inbound.http.bodies.events import EventType
from gateway.application.manage_endpoints import Changes
from gateway.application.sending import Attempt as StoredAttempt
from gateway.application.sending import Delivery as StoredDelivery
from gateway.domain.webhooks import Endpoint, Status

Url = Annotated[
    str,
    StringConstraints(min_length=8, max_length=2000, pattern=r"^https?://[\x21-\x7e]+$"),
    Field(description="Public; port 80, 443, or one from 1024. Redirects are not followed"),
]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), Clean]
Types = Annotated[
    tuple[EventType, ...], Field(max_length=50, description="The types of events wanted; none: all")
]


class WebhookEndpointBody(Strict):
    """Where events are wanted."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://studio.example/atelier", "types": ["job.changed"]}]}
    )

    url: Url
    description: Description = ""
    types: Types = ()


class WebhookEndpointChange(Strict):
    """What is to change; what is left out stays. `enabled: true` starts a disabled endpoint anew."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": True}]})

    url: Url | None = None
    description: Description | None = None
    types: Types | None = None
    enabled: bool | None = None

    def changes(self) -> Changes:
        """Say what that is."""
        types = None if self.types is None else tuple(dict.fromkeys(self.types))
        return Changes(self.url, self.description, types, self.enabled)


class WebhookEndpoint(Body):
    """Where events are sent: from its making on, and not while it is disabled.

    `failing_since` is set while nothing gets through; after three days of that, or one answer of 410, it is
    disabled with `disabled_reason`. What was missed meanwhile can be read with `GET /api/events`.
    """

    id: UUID
    url: str
    description: str
    types: list[EventType]
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: str | None
    failing_since: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, endpoint: Endpoint, **further: str) -> Self:
        """Show an endpoint."""
        derived = {"enabled": endpoint.disabled_at is None, **further}
        names = set(cls.model_fields) - set(derived)
        return cls.model_validate({name: getattr(endpoint, name) for name in names} | derived)


class NewWebhookEndpoint(WebhookEndpoint):
    """An endpoint with its `secret`, which is shown only here: it verifies `webhook-signature`."""

    secret: str


class DeliveryQuery(PageQuery):
    """Which deliveries are wanted."""

    status: Status | None = None


class WebhookAttempt(Body):
    """One try: what was answered, in how many milliseconds, and how the answer began; or why it failed."""

    n: int
    at: datetime
    status: int | None
    milliseconds: int
    answer: str
    error: str | None

    @classmethod
    def of(cls, attempt: StoredAttempt) -> Self:
        """Show a try."""
        answer = attempt.answer
        return cls(
            n=attempt.n,
            at=attempt.at,
            status=answer.status,
            milliseconds=answer.milliseconds,
            answer=answer.excerpt,
            error=answer.error or None,
        )


class WebhookDelivery(Body):
    """One event on its way to an endpoint: `id` is its `webhook-id` with every try, `seq` its event.

    `superseded` means that a newer state of the same document was sent instead.
    """

    id: UUID
    type: str
    seq: int | None
    subject: str
    version: int
    status: Status
    created_at: datetime
    next_attempt_at: datetime | None
    ended_at: datetime | None
    attempts: list[WebhookAttempt]

    @classmethod
    def of(cls, delivery: StoredDelivery) -> Self:
        """Show a delivery."""
        return cls(
            id=delivery.id,
            type=delivery.type,
            seq=delivery.seq,
            subject=delivery.subject,
            version=delivery.version,
            status=delivery.status,
            created_at=delivery.created_at,
            next_attempt_at=delivery.due_at,
            ended_at=delivery.ended_at,
            attempts=[WebhookAttempt.of(attempt) for attempt in delivery.attempts],
        )
