"""Whoever sends webhooks to clients, and what is sent in tests."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

from services.gateway.tests.stage import Person, Stage

from chassis.clock import utc_now
from contracts.billing import Limits, PlanChanged
from contracts.credits import LowBalance
from gateway.adapters.inbound.deliverer import writing
from gateway.adapters.outbound.postgres.work import transaction
from gateway.adapters.outbound.receivers import HttpReceivers
from gateway.application.deliver_webhooks import Sending, deliver, take_due

Json = dict[str, Any]
MINUTE = timedelta(minutes=1)
LOCAL = (ip_network("127.0.0.0/8"),)


@dataclass
class Post:
    """Whoever sends, with a clock that a test moves."""

    stage: Stage
    receivers: HttpReceivers
    later: timedelta = field(default_factory=timedelta)

    @property
    def sending(self) -> Sending:
        write = writing(self.stage.app.state.api.links)
        opened, site = transaction(self.stage.database), "http://atelier"
        return Sending(opened, self.receivers, self.now, write, lambda: 0.0, MINUTE, site)

    def now(self) -> datetime:
        return utc_now() + self.later

    async def send(self) -> int:
        """Send all that is due, and what becomes due by that; returns how many tries that took."""
        tries = 0
        while due := await take_due(100, self.sending):
            await asyncio.gather(*(deliver(one, self.sending) for one in due))
            tries += len(due)
        return tries


async def register(person: Person, url: str, **more: object) -> Json:
    made = await person.client.post("/api/webhook-endpoints", json={"url": url, **more})
    assert made.status_code == 201, made.text
    return made.json()


async def deliveries(person: Person, endpoint: Json, **query: str) -> list[Json]:
    answer = await person.client.get(f"/api/webhook-endpoints/{endpoint['id']}/deliveries", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def plan(person: Person, version: int) -> PlanChanged:
    limits = Limits(running=1, open=20, per_minute=6000)
    return PlanChanged(team_id=person.team_id, version=version, plan="free", status="active", limits=limits)


def low(person: Person, spendable: int) -> LowBalance:
    return LowBalance(team_id=person.team_id, spendable=spendable, threshold=20, at=utc_now())
