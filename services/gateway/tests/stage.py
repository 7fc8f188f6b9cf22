"""The gateway on a real database, and a player who speaks the lines of the other services."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from services.gateway.tests.signer import Signer

from chassis.clock import utc_now
from chassis.database import Database
from chassis.health import Health
from chassis.statement import text
from contracts import message_class
from contracts.billing import (
    AutoTopUp,
    BillingChanged,
    BillingRefused,
    CheckoutOpened,
    Limits,
    OpenCheckout,
    OpenPortal,
    PlanChanged,
    PortalOpened,
    SetAutoTopUp,
)
from contracts.catalog import (
    ActivateVersion,
    CatalogRefused,
    DeleteModel,
    ModelChanged,
    ModelVersion,
    ReferenceModelChanged,
    UpdateModel,
)
from contracts.credits import (
    AccountChanged,
    CreditsHeld,
    CreditsQuoted,
    Entry,
    Hold,
    HoldCredits,
    HoldDeclined,
    QuoteCredits,
    QuotedItem,
)
from contracts.envelope import Delivery
from contracts.gateway import TeamOpened
from contracts.jobs import CancelJob, JobChanged
from contracts.message import Message
from contracts.orders import Operation
from gateway.adapters.outbound.passwords import Argon2Passwords
from gateway.adapters.outbound.postgres.news import News
from gateway.adapters.outbound.postgres.work import transaction
from gateway.application.project_documents import project_documents
from gateway.bootstrap.serving import api, app
from gateway.settings import Settings

PRICES = {Operation.CREATE_MODEL: 100, Operation.REFINE_MODEL: 50, Operation.GENERATE_IMAGES: 2}
SITE = "http://127.0.0.1:8000"
PASSWORD = "correct horse battery"
_TOKEN = re.compile(r"/(?:verify|reset|invitations)/([A-Za-z0-9_-]+)")
SETTINGS = {
    "rabbitmq_url": "amqp://unused",
    "s3_public_endpoint": "http://127.0.0.1:9",
    "s3_bucket": "atelier",
    "aws_access_key_id": "key",
    "aws_secret_access_key": "secret",
    "smtp_url": "smtp://127.0.0.1:9",
    "require_verified_email": False,
    "sign_ups_per_hour": 1000,
    "sign_ins_per_quarter": 20,
    "stripe_webhook_secret": "whsec_old, whsec_new",
    "trusted_networks": "127.0.0.0/8",
}
QUICK = Argon2Passwords(rounds=1, memory_kib=64)
"""Hashing as it is done in service takes longer than most tests."""


@dataclass
class Stage:
    """What a test sees: the app, its database, and everything it says."""

    database: Database
    news: News
    app: FastAPI
    signer: Signer
    balance: dict[UUID, int] = field(default_factory=dict)
    silent: bool = False
    away: bool = False
    said: list[Message] = field(default_factory=list)
    versions: dict[UUID, int] = field(default_factory=dict)
    decline: str | None = None
    refuse: str | None = None

    def client(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://atelier", headers=headers)

    async def person(self, email: str | None = None) -> "Person":
        """Sign somebody up."""
        client = self.client()
        body = {
            "name": "Ada",
            "email": email or f"{uuid4().hex[:8]}@example.com",
            "password": PASSWORD,
        }
        answer = await client.post("/api/auth/sign-up", json=body)
        assert answer.status_code == 201, answer.text
        return Person(client, UUID(answer.json()["team"]["id"]), UUID(answer.json()["user"]["id"]))

    async def token(self, email: str) -> str:
        """Take the token of the link in the newest letter to an address, as its reader would."""
        query = f"select body from gateway.letters where recipient = '{email}' order by id desc"
        bodies = [row.body for row in await self.rows(query)]
        return next(found[1] for body in bodies if (found := _TOKEN.search(body)))

    async def verified(self, email: str) -> None:
        """Follow the link of a letter."""
        async with self.client() as client:
            answer = await client.post("/api/auth/verify", json={"token": await self.token(email)})
            assert answer.status_code == 204, answer.text

    async def invited(self, host: "Person", email: str, role: str = "member") -> "Person":
        """Let somebody new join a team."""
        wish = {"email": email, "role": role}
        assert (await host.client.post("/api/team/invitations", json=wish)).status_code == 201
        client, body = self.client(), {"name": "Grace", "password": PASSWORD}
        path = f"/api/invitations/{await self.token(email)}/accept"
        answer = await client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return Person(client, UUID(answer.json()["team"]["id"]), UUID(answer.json()["user"]["id"]))

    async def hear(self, *messages: Message, correlation_id: UUID | None = None) -> None:
        """Let the projector handle these as one batch."""
        batch = [Delivery(message, uuid4(), correlation_id or uuid4()) for message in messages]
        await project_documents(batch, transaction(self.database), utc_now, SITE)

    async def rows(self, query: str) -> list[Any]:
        async with self.database.reading() as connection:
            return list(await connection.execute(text(query)))

    async def play(self) -> None:
        """Answer whatever the gateway says, as the others would, until cancelled."""
        while True:
            self.database.committed.clear()
            for row in [] if self.away else await self._outbox():
                message = message_class(row.type).model_validate_json(row.payload)
                self.said.append(message)
                if not self.silent:
                    await self._answer(message, row.correlation_id)
            await self.database.committed.wait()

    async def _outbox(self) -> list[Any]:
        async with self.database.begin() as connection:
            taken = "with o as (delete from gateway.outbox returning *) select * from o order by id"
            return list(await connection.execute(text(taken)))

    async def _answer(self, message: Message, correlation_id: UUID) -> None:
        lines: dict[type[Message], Callable[[Any, UUID], Awaitable[None]]] = {
            TeamOpened: self._fund,
            HoldCredits: self._decide,
            QuoteCredits: self._quote,
            CancelJob: self._stop,
            UpdateModel: self._describe,
            ActivateVersion: self._activate,
            DeleteModel: self._delete,
            OpenCheckout: self._checkout,
            OpenPortal: self._portal,
            SetAutoTopUp: self._auto_top_up,
        }
        if type(message) in lines:
            await lines[type(message)](message, correlation_id)

    async def _fund(self, opened: TeamOpened, _: UUID) -> None:
        self.balance[opened.team_id] = 200
        limits = Limits(running=1, open=20, per_minute=6000)
        plan = PlanChanged(team_id=opened.team_id, version=1, plan="free", status="active", limits=limits)
        await self.hear(plan, self.account(opened.team_id, "replenish", 200))

    async def _decide(self, command: HoldCredits, _: UUID) -> None:
        team = command.team_id
        required = sum(PRICES[order.operation] * order.quantity for order in command.orders)
        if self.decline or required > self.balance.get(team, 0):
            no = HoldDeclined(
                request_id=command.request_id,
                team_id=team,
                code=self.decline or "insufficient_credits",
                required=required,
                spendable=self.balance.get(team, 0),
            )
            await self.hear(no)
            return
        self.balance[team] -= required
        holds = tuple(
            Hold(
                job_id=order.job_id,
                amount=PRICES[order.operation] * order.quantity,
                unit_price=PRICES[order.operation],
                price_version=1,
                expires_at=utc_now() + timedelta(hours=1),
                order=order,
            )
            for order in command.orders
        )
        held = CreditsHeld(request_id=command.request_id, team_id=team, holds=holds)
        await self.hear(held, self.account(team, "reserve", -required, holds[0].job_id))

    async def _quote(self, command: QuoteCredits, _: UUID) -> None:
        items = tuple(
            QuotedItem(
                **item.model_dump(),
                unit_price=PRICES[item.operation],
                total=PRICES[item.operation] * item.quantity,
            )
            for item in command.items
        )
        quoted = CreditsQuoted(
            request_id=command.request_id,
            team_id=command.team_id,
            id=uuid4(),
            items=items,
            total=sum(item.total for item in items),
            price_version=1,
            expires_at=utc_now() + timedelta(minutes=15),
        )
        await self.hear(quoted)

    async def _stop(self, command: CancelJob, correlation_id: UUID) -> None:
        [row] = await self.rows(
            f"select cast(document as text) as d from gateway.view_jobs where id = '{command.job_id}'"
        )
        job = JobChanged.model_validate_json(row.d)
        stopped = job.model_copy(update={"version": job.version + 1, "status": "cancelled"})
        await self.hear(stopped, correlation_id=correlation_id)

    async def _describe(self, command: UpdateModel, correlation_id: UUID) -> None:
        said = command.model_dump(include={"name", "description"}, exclude_none=True)
        await self._change(command.model_id, correlation_id, said)

    async def _activate(self, command: ActivateVersion, correlation_id: UUID) -> None:
        await self._change(command.model_id, correlation_id, {"active_version": command.version})

    async def _delete(self, command: DeleteModel, correlation_id: UUID) -> None:
        await self._change(command.model_id, correlation_id, {"status": "deleted", "versions": ()})

    async def _change(self, model_id: UUID, correlation_id: UUID, change: dict[str, Any]) -> None:
        [row] = await self.rows(
            f"select cast(document as text) as d from gateway.view_models where id = '{model_id}'"
        )
        model = ModelChanged.model_validate_json(row.d)
        if self.refuse:
            no = CatalogRefused(request_id=correlation_id, about=model_id, code=self.refuse, detail="No.")
            await self.hear(no)
            return
        changed = model.model_copy(update={"version": model.version + 1} | change)
        await self.hear(changed, correlation_id=correlation_id)

    async def _checkout(self, command: OpenCheckout, _: UUID) -> None:
        if not await self._refused(command.request_id, command.team_id):
            url = f"https://checkout.stripe.com/{command.plan or command.pack}"
            page = {"request_id": command.request_id, "team_id": command.team_id, "url": url}
            await self.hear(CheckoutOpened(**page, expires_at=utc_now()))

    async def _portal(self, command: OpenPortal, _: UUID) -> None:
        if not await self._refused(command.request_id, command.team_id):
            url = "https://billing.stripe.com/portal"
            await self.hear(PortalOpened(request_id=command.request_id, team_id=command.team_id, url=url))

    async def _auto_top_up(self, command: SetAutoTopUp, correlation_id: UUID) -> None:
        if not await self._refused(command.request_id, command.team_id):
            wish = AutoTopUp(**command.model_dump(exclude={"request_id", "team_id"}))
            shown = BillingChanged(
                team_id=command.team_id, version=1, plan="free", status="active", auto_top_up=wish
            )
            await self.hear(shown, correlation_id=correlation_id)

    async def _refused(self, request_id: UUID, team_id: UUID) -> bool:
        if self.refuse:
            no = BillingRefused(request_id=request_id, about=team_id, code=self.refuse, detail="No.")
            await self.hear(no)
        return bool(self.refuse)

    def account(self, team: UUID, kind: str, amount: int, job_id: UUID | None = None) -> AccountChanged:
        version = self.versions[team] = self.versions.get(team, 0) + 1
        balance = self.balance[team]
        entry = Entry(
            id=uuid4(), kind=kind, amount=amount, balance_after=balance, version=version, job_id=job_id,
            operation="generate_images" if job_id else None, at=utc_now(),
        )  # fmt: skip
        return AccountChanged(
            team_id=team, version=version, available=balance, bonus=0, reserved=0, entries=(entry,)
        )


@dataclass
class Person:
    """Somebody signed in, with a team of their own."""

    client: httpx.AsyncClient
    team_id: UUID
    user_id: UUID

    async def generate(self, key: str | None = None, **changes: object) -> httpx.Response:
        body = {"prompt": "at the harbour at dawn", "count": 4} | changes
        headers = {"Idempotency-Key": key} if key else {}
        return await self.client.post("/api/generate", json=body, headers=headers)


def make_stage(
    database: Database, url: str, signer: Signer, door: FastAPI | None = None, **changes: object
) -> Stage:
    """Build a gateway; one that is built already may lend its door to the new one's ports."""
    settings = Settings(database_url=url, fal_jwks_url=signer.url, **SETTINGS | changes)
    news = News(database, url, Health(), settings.outbox_limit)
    ports = api(settings, database, news)
    ports = replace(ports, identity=replace(ports.identity, passwords=QUICK))
    door = door or app(ports)
    door.state.api = ports
    return Stage(database, news, door, signer)


def reference_model(**changes: object) -> ReferenceModelChanged:
    known = {
        "id": uuid4(),
        "version": 1,
        "slug": "studio-portrait",
        "name": "Studio portrait",
        "category": "fashion",
        "description": "Soft light from the left",
        "tags": ("portrait",),
        "prompt_recipe": "{prompt}, studio light",
        "preview": "ab" * 32,
        "created_at": datetime(2026, 11, 1, tzinfo=UTC),
    }
    return ReferenceModelChanged.model_validate(known | changes)


def model(team_id: UUID, versions: int = 1, **changes: object) -> ModelChanged:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    trained = tuple(
        ModelVersion(number=n, job_id=uuid4(), samples=(f"models/{team_id}/sample-{n}.png",), trained_at=now)
        for n in range(1, versions + 1)
    )
    known = {
        "id": uuid4(),
        "team_id": team_id,
        "version": 1,
        "name": "Harbour",
        "description": "A calm woman",
        "status": "ready" if versions else "training",
        "versions": trained,
        "active_version": versions or None,
        "created_at": now,
        "updated_at": now,
    }
    return ModelChanged.model_validate(known | changes)
