"""Events as clients see them: the same bodies as everywhere, in the order they became true."""

from datetime import datetime
from typing import Literal, Self

from contracts.billing import Limits, PlanChanged
from contracts.catalog import ModelChanged
from contracts.credits import AccountChanged
from contracts.jobs import JobChanged
from contracts.message import Document
from gateway.adapters.inbound.http.bodies.common import Body
from gateway.adapters.inbound.http.bodies.credits import Account
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.bodies.models import Model
from gateway.application.ports import Links
from gateway.application.reading import Event as StoredEvent

EventType = Literal["job.changed", "model.changed", "account.changed", "plan.changed"]
_TYPES: dict[str, EventType] = {
    JobChanged.type: "job.changed",
    ModelChanged.type: "model.changed",
    AccountChanged.type: "account.changed",
    PlanChanged.type: "plan.changed",
}


class Plan(Body):
    """A team's plan and its limits."""

    plan: str
    status: str
    limits: Limits


class Event(Body):
    """Something changed: `data` is the whole document in this version, as its own endpoint shows it."""

    seq: int
    type: EventType
    subject: str
    version: int
    at: datetime
    data: Job | Model | Account | Plan

    @classmethod
    def of(cls, event: StoredEvent, links: Links) -> Self:
        """Show an event."""
        return cls(
            seq=event.seq,
            type=_TYPES[event.type],
            subject=event.subject,
            version=event.version,
            at=event.at,
            data=_data(event.document, links),
        )


def _data(document: Document, links: Links) -> Job | Model | Account | Plan:
    match document:
        case JobChanged():
            return Job.described(document, links)
        case ModelChanged():
            return Model.of(document, links)
        case AccountChanged():
            return Account.of(document)
        case PlanChanged(plan=plan, status=status, limits=limits):
            return Plan(plan=plan, status=status, limits=limits)
        case _:
            raise LookupError(f"no event shows a {document.type}")
