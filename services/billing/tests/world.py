"""Stripe's sandbox, billing and credits, without the bus between them: a story is told, a balance read."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from stripe import StripeClient

from billing.adapters.outbound.postgres.work import transaction
from billing.adapters.outbound.stripe.account import StripeAccount
from billing.application.buy_packs import Shop, buy_packs
from billing.application.look_at_due import look_at_due
from billing.application.open_checkout import open_checkout
from billing.application.open_months import open_months
from billing.application.open_team import open_team
from billing.application.reconcile import Report, reconcile
from billing.application.take_events import take_events
from chassis.database import Database
from chassis.testing import delivery, take_said
from contracts.billing import (
    BillingChanged,
    OpenCheckout,
    PaymentDisputed,
    PaymentRefunded,
    PeriodOpened,
    PlanChanged,
    StripeEvent,
    TopUpPaid,
)
from contracts.credits import LowBalance
from contracts.gateway import TeamOpened
from contracts.message import Message
from credits.adapters.outbound.audit import PostgresAudit
from credits.adapters.outbound.postgres import transaction as credits_transaction
from credits.application.add_top_ups import add_top_ups
from credits.application.adjust_credits import adjust_credits
from credits.application.dispute_payments import dispute_payments
from credits.application.expire_credits import expire_buckets
from credits.application.open_periods import open_periods
from credits.application.ports import Wanted
from credits.application.refund_payments import refund_payments
from credits.application.verify_ledger import verify_ledger
from credits.application.watch_balances import watch_balances

Kind = TypeVar("Kind", bound=Message)
BOOKED: dict[type[Message], Callable[..., Awaitable[None]]] = {
    PeriodOpened: open_periods,
    TopUpPaid: add_top_ups,
    PaymentRefunded: refund_payments,
    PaymentDisputed: dispute_payments,
}
WAYS = ("twice", "reversed", "shuffled", "at once", "lost")
"""How Stripe's events reach us; of what is lost only the reconcile tells."""


class OwnCustomer(StripeAccount):
    """Stripe without the customers that other tests have left there: each would be looked at again."""

    own = ""

    async def active_since(self, since: datetime) -> AsyncIterator[str]:
        async for customer in super().active_since(since):
            if customer == self.own:
                yield customer


class Alarms:
    """Nobody is to be called: no id ever comes with other content."""

    def conflict(self, about: Message, why: str) -> None:
        raise AssertionError(f"{about.type}: {why}")


def at(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


@dataclass
class World:
    """One team that pays, from the moment it was opened."""

    client: StripeClient
    billing: Database
    credits: Database
    way: str
    opened: datetime
    team: UUID = field(default_factory=uuid4)
    customer: str = ""
    clock_id: str = ""
    moment: datetime = field(init=False)
    told: str = ""
    said: list[Message] = field(default_factory=list)
    seed: int = field(default_factory=lambda: random.randrange(10**6))
    stripe: OwnCustomer = field(init=False)

    def __post_init__(self) -> None:
        self.moment = self.opened
        self.stripe = OwnCustomer(self.client)
        self.random = random.Random(self.seed)
        print(f"seed {self.seed}")

    def now(self) -> datetime:
        return self.moment

    async def begin(self) -> "World":
        """Open the team, and the customer that Stripe will make for it, on a clock of its own."""
        v1 = self.client.v1
        clock = await v1.test_helpers.test_clocks.create_async({"frozen_time": int(self.opened.timestamp())})
        self.clock_id = clock.id
        fact = TeamOpened(team_id=self.team, name="Ada", owner_email="ada@example.org")
        await open_team([delivery(fact)], transaction(self.billing), self.now)
        made = await v1.customers.create_async(
            {"name": "Ada", "metadata": {"team_id": str(self.team)}, "test_clock": clock.id}
        )
        self.customer = self.stripe.own = made.id
        self.told = (await v1.events.list_async({"limit": 1})).data[0].id
        async with transaction(self.billing)() as work:
            await work.customers.bind(self.team, made.id)
        await self._book()
        return self

    async def checkout(self, *, card: str = "pm_card_visa", **wanted: str) -> None:
        """Choose a plan or a pack, and pay for it on Stripe's page."""
        command = OpenCheckout(
            request_id=uuid4(),
            team_id=self.team,
            success_url="http://127.0.0.1/ok",
            cancel_url="http://127.0.0.1/no",
            **wanted,
        )
        await open_checkout(delivery(command), self.stripe, transaction(self.billing))
        await self.pay(card)

    async def checkout_as_it_was_left(self, *, plan: str) -> None:
        """Subscribe at Stripe alone, as if nothing had been noted here."""
        price = (
            (await self.client.v1.prices.list_async({"lookup_keys": [f"atelier_{plan}_month"]})).data[0].id
        )
        method = await self.client.v1.payment_methods.attach_async(
            "pm_card_visa", {"customer": self.customer}
        )
        await self.client.v1.subscriptions.create_async(
            {
                "customer": self.customer,
                "items": [{"price": price}],
                "trial_period_days": 7,
                "default_payment_method": method.id,
            }
        )
        await self.hear()

    async def pay(self, card: str) -> None:
        """Pay on the page that is open."""
        open_ = await self.client.v1.checkout.sessions.list_async(
            {"customer": self.customer, "status": "open"}
        )
        await self.raw("post", f"/v1/payment_pages/{open_.data[0].id}/confirm", payment_method=card)
        await self.hear()

    async def raw(self, method: str, path: str, **parameters: Any) -> Any:
        answer = await self.client.raw_request_async(method, path, **parameters)
        return answer.data

    async def travel(self, moment: str | datetime, *, hear: bool = True) -> None:
        """Move Stripe's clock and ours, and do what time alone brings."""
        self.moment = at(moment) if isinstance(moment, str) else moment
        helpers = self.client.v1.test_helpers.test_clocks
        await helpers.advance_async(self.clock_id, {"frozen_time": int(self.moment.timestamp())})
        async with asyncio.timeout(30):
            while (await helpers.retrieve_async(self.clock_id)).status != "ready":
                await asyncio.sleep(0.01)
        if hear:
            await self.hear()
            await self.wait()

    async def wait(self) -> None:
        """Let the schedules run."""
        await open_months(transaction(self.billing), self.now)
        while await look_at_due(self.stripe, transaction(self.billing), self.now):
            pass
        await self._book()

    async def hear(self) -> None:
        """Hear what has happened at Stripe since, in this world's way."""
        events = await self.news()
        match self.way:
            case "twice":
                events = events + events
            case "reversed":
                events = events[::-1]
            case "shuffled":
                self.random.shuffle(events)
        if self.way == "lost":
            await self.reconcile()
        elif self.way == "at once":
            await asyncio.gather(*(self.take(*part) for part in (events, events[::-1], events[::2])))
        else:
            for part in parts(events):
                await self.take(*part)
        await self._book()

    async def news(self) -> list[StripeEvent]:
        """Find the events since the last time, oldest first; those of this team's customer."""
        listed = await self.client.v1.events.list_async({"limit": 100, "ending_before": self.told})
        fresh = [each.to_dict() async for each in listed.auto_paging_iter()]
        self.told = fresh[-1]["id"] if fresh else self.told
        return [event for each in fresh if (event := heard(each)).customer in (self.customer, None)]

    async def take(self, *events: StripeEvent) -> None:
        await take_events(
            [delivery(event) for event in events], self.stripe, transaction(self.billing), self.now
        )

    async def reconcile(self) -> Report:
        return await reconcile(self.stripe, transaction(self.billing), self.now, timedelta(days=400))

    async def spend(self, amount: int) -> None:
        await adjust_credits(self.team, -amount, "spent", credits_transaction(self.credits), self.now)
        await take_said(self.credits)

    async def buy(self, *lows: LowBalance) -> None:
        await buy_packs(
            [delivery(low) for low in lows], Shop(self.stripe, transaction(self.billing), self.now)
        )
        await self._book()

    async def balance(self) -> int:
        """Read what the team can spend, now that what is over is over; every credit is accounted for."""
        await expire_buckets(credits_transaction(self.credits), self.now)
        await take_said(self.credits)
        report = await verify_ledger(PostgresAudit(self.credits))
        assert report.findings == 0, report.lines()
        account = await self.account()
        return account.available + account.bonus

    async def account(self) -> Any:
        async with credits_transaction(self.credits)() as work:
            return (await work.bookkeeper.open(Wanted(teams={self.team}))).accounts[self.team].face()

    async def plan(self) -> str:
        async with transaction(self.billing)() as work:
            found = await work.subscriptions.lock(self.team)
            return f"{found.plan} {found.status}" if found else "closed"

    async def overview(self) -> BillingChanged:
        async with transaction(self.billing)() as work:
            found = await work.overviews.find(self.team)
            assert found is not None
            return found

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [message for message in self.said if isinstance(message, kind)]

    async def subscription(self) -> Any:
        found = await self.client.v1.subscriptions.list_async({"customer": self.customer, "limit": 1})
        return found.data[0]

    async def change(self, key: str, *, behavior: str = "always_invoice") -> None:
        """Change the plan at once, as the portal does it for a better one."""
        subscription = await self.subscription()
        price = (await self.client.v1.prices.list_async({"lookup_keys": [key]})).data[0].id
        item = {"id": subscription["items"].data[0].id, "price": price}
        await self.client.v1.subscriptions.update_async(
            subscription.id, {"items": [item], "proration_behavior": behavior}
        )
        await self.hear()

    async def card(self, card: str) -> None:
        """Have another card charged from now on."""
        v1 = self.client.v1
        method = await v1.payment_methods.attach_async(card, {"customer": self.customer})
        settings = {"default_payment_method": method.id}
        await v1.customers.update_async(self.customer, {"invoice_settings": settings})
        for each in (await v1.subscriptions.list_async({"customer": self.customer})).data:
            await v1.subscriptions.update_async(each.id, {"default_payment_method": method.id})
        await self.hear()

    async def payment(self, n: int = 0) -> str:
        """Find a payment that succeeded, the newest first."""
        found = await self.client.v1.payment_intents.list_async({"customer": self.customer, "limit": 100})
        return [each.id for each in found.data if each.status == "succeeded"][n]

    async def refund(self, payment: str, amount: int | None = None) -> None:
        wanted = {"payment_intent": payment} | ({"amount": amount} if amount else {})
        await self.client.v1.refunds.create_async(wanted)
        await self.hear()

    async def _book(self) -> None:
        await self.pass_on(await take_said(self.billing))

    async def pass_on(self, said: Sequence[Message]) -> None:
        """Let credits hear what billing has said, in this world's way."""
        self.said += said
        facts = [message for message in said if type(message) in BOOKED]
        if self.way == "reversed":
            facts.reverse()
        if self.way in ("shuffled", "at once"):
            self.random.shuffle(facts)
        for fact in facts * (2 if self.way in ("twice", "at once") else 1):
            await BOOKED[type(fact)]([delivery(fact)], credits_transaction(self.credits), Alarms(), self.now)
        for shown in (message for message in said if isinstance(message, BillingChanged)):
            await watch_balances([delivery(shown)], credits_transaction(self.credits), self.now)
        self.said += await take_said(self.credits)


def heard(event: dict[str, Any]) -> StripeEvent:
    """Write down what the gateway passes on of an event."""
    about = event["data"]["object"]
    payment = next((about.get(name) for name in ("payment_intent", "charge") if about.get(name)), None)
    return StripeEvent(
        event_id=event["id"],
        event_type=event["type"],
        object_id=about.get("id") or "",
        customer=about["id"] if about["object"] == "customer" else about.get("customer"),
        payment=payment,
        created_at=datetime.fromtimestamp(event["created"], UTC),
        received_at=datetime.now(UTC),
    )


def parts(events: list[StripeEvent]) -> list[list[StripeEvent]]:
    """Part events into a few batches, as a busy queue does."""
    size = max(1, -(-len(events) // 3))
    return [events[n : n + size] for n in range(0, len(events), size)]


def plans(messages: Sequence[Message]) -> list[str]:
    return [f"{each.plan} {each.status}" for each in messages if isinstance(each, PlanChanged)]
