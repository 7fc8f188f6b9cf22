"""Events as clients see them: the same bodies as everywhere, in the order they became true."""

from datetime import datetime
from typing import Literal, Self

from contracts.billing import Limits, PlanChanged
from contracts.catalog import ModelChanged
from contracts.credits import AccountChanged, LowBalance
from contracts.jobs import ExportChanged, ImagesExpiring, JobChanged
from contracts.message import Fact
from gateway.adapters.inbound.http.bodies.common import Body
from gateway.adapters.inbound.http.bodies.credits import Account
from gateway.adapters.inbound.http.bodies.images import ExpiryNotice, Export
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.bodies.models import Model
from gateway.application.ports import Links
from gateway.application.reading import Event as StoredEvent

EventType = Literal[
    "job.changed",
    "model.changed",
    "account.changed",
    "account.low_balance",
    "plan.changed",
    "export.changed",
    "images.expiring",
]
_TYPES: dict[str, EventType] = {
    ExportChanged.type: "export.changed",
    ImagesExpiring.type: "images.expiring",
    JobChanged.type: "job.changed",
    ModelChanged.type: "model.changed",
    AccountChanged.type: "account.changed",
    LowBalance.type: "account.low_balance",
    PlanChanged.type: "plan.changed",
}


class Plan(Body):
    """A team's plan and its limits."""

    plan: str
    status: str
    limits: Limits


class LowBalanceNotice(Body):
    """What the team can spend has fallen below the threshold; told once until it has been above again."""

    spendable: int
    threshold: int


class Event(Body):
    """Something changed: `data` is the whole document in this version, as its own endpoint shows it.

    A notice (`account.low_balance`, `images.expiring`) has no versions: `version` is a time in microseconds.
    """

    seq: int
    type: EventType
    subject: str
    version: int
    at: datetime
    data: Job | Model | Account | LowBalanceNotice | Plan | Export | ExpiryNotice

    @classmethod
    def of(cls, event: StoredEvent, links: Links) -> Self:
        """Show an event."""
        return cls(
            seq=event.seq,
            type=_TYPES[event.type],
            subject=event.subject,
            version=event.version,
            at=event.at,
            data=_data(event.fact, links),
        )


def _data(
    fact: Fact, links: Links
) -> Job | Model | Account | LowBalanceNotice | Plan | Export | ExpiryNotice:
    match fact:
        case ExportChanged():
            return Export.of(fact, links)
        case ImagesExpiring():
            return ExpiryNotice.of(fact)
        case JobChanged():
            return Job.described(fact, links)
        case ModelChanged():
            return Model.of(fact, links)
        case AccountChanged():
            return Account.of(fact)
        case LowBalance(spendable=spendable, threshold=threshold):
            return LowBalanceNotice(spendable=spendable, threshold=threshold)
        case PlanChanged(plan=plan, status=status, limits=limits):
            return Plan(plan=plan, status=status, limits=limits)
        case _:
            raise LookupError(f"no event shows a {fact.type}")
