"""Events as clients see them: the same bodies as everywhere, in the order they became true."""

from datetime import datetime
from typing import Literal, Self, cast
from uuid import UUID

from contracts.billing import Limits, PlanChanged
from contracts.catalog import ModelChanged
from contracts.credits import AccountChanged, LowBalance
from contracts.gateway import WebhookEndpointDisabled
from contracts.jobs import ExportChanged, ImagesExpiring, JobChanged
from contracts.message import Fact
from gateway.adapters.inbound.http.bodies.common import Body
from gateway.adapters.inbound.http.bodies.credits import Account
from gateway.adapters.inbound.http.bodies.images import ExpiryNotice, Export
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.bodies.models import Model
from gateway.application.ports import Links
from gateway.application.reading import Event as StoredEvent
from gateway.domain.public_events import NAMES

EventType = Literal[
    "job.changed",
    "model.changed",
    "account.changed",
    "account.low_balance",
    "plan.changed",
    "export.changed",
    "images.expiring",
    "webhook_endpoint.disabled",
]


class Plan(Body):
    """A team's plan and its limits."""

    plan: str
    status: str
    limits: Limits


class LowBalanceNotice(Body):
    """What the team can spend has fallen below the threshold; told once until it has been above again."""

    spendable: int
    threshold: int


class DisabledNotice(Body):
    """Nothing is sent to a webhook endpoint any more, until it is enabled again with PATCH."""

    endpoint_id: UUID
    url: str
    reason: str


Data = Job | Model | Account | LowBalanceNotice | Plan | Export | ExpiryNotice | DisabledNotice


class Event(Body):
    """Something changed: `data` is the whole document in this version, as its own endpoint shows it.

    A notice (`account.low_balance`, `images.expiring`, `webhook_endpoint.disabled`) has no versions: its
    `version` is a time in microseconds.
    """

    seq: int
    type: EventType
    subject: str
    version: int
    at: datetime
    data: Data

    @classmethod
    def of(cls, event: StoredEvent, links: Links) -> Self:
        """Show an event."""
        return cls(
            seq=event.seq,
            type=cast("EventType", NAMES[event.type]),
            subject=event.subject,
            version=event.version,
            at=event.at,
            data=_data(event.fact, links),
        )


class Ping(Body):
    """What an endpoint is sent to try it; it is in no log, and means nothing."""

    type: Literal["webhook_endpoint.ping"] = "webhook_endpoint.ping"
    subject: str
    at: datetime
    data: dict[str, str]

    @classmethod
    def to(cls, endpoint_id: UUID, at: datetime) -> Self:
        """Write one to an endpoint."""
        return cls(subject=str(endpoint_id), at=at, data={"endpoint_id": str(endpoint_id)})


def _data(fact: Fact, links: Links) -> Data:
    match fact:
        case ExportChanged():
            return Export.of(fact, links)
        case JobChanged():
            return Job.described(fact, links, fact.cost)
        case ModelChanged():
            return Model.of(fact, links)
        case AccountChanged():
            return Account.of(fact)
        case PlanChanged(plan=plan, status=status, limits=limits):
            return Plan(plan=plan, status=status, limits=limits)
        case _:
            return _notice(fact)


def _notice(fact: Fact) -> Data:
    match fact:
        case ImagesExpiring():
            return ExpiryNotice.of(fact)
        case LowBalance(spendable=spendable, threshold=threshold):
            return LowBalanceNotice(spendable=spendable, threshold=threshold)
        case WebhookEndpointDisabled(endpoint_id=endpoint_id, url=url, reason=reason):
            return DisabledNotice(endpoint_id=endpoint_id, url=url, reason=reason)
        case _:
            raise LookupError(f"no event shows a {fact.type}")
