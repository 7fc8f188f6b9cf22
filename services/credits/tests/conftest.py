from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from services.credits.tests.fakes import Alarms, Clock, Memory
from services.credits.tests.processes import variables
from services.credits.tests.stories import NOW, period

from chassis.database import Database
from chassis.statement import text
from chassis.testing import FreshDatabase, delivery
from contracts.billing import PaymentDisputed, PaymentRefunded, PeriodOpened, TopUpPaid
from contracts.credits import AccountChanged, CaptureCredits, HoldCredits, QuoteCredits, ReleaseCredits
from contracts.message import Message
from contracts.registry import message_class
from credits.adapters.outbound.audit import PostgresAudit
from credits.adapters.outbound.postgres import transaction
from credits.application.add_top_ups import add_top_ups
from credits.application.capture_credits import capture_credits
from credits.application.dispute_payments import dispute_payments
from credits.application.expire_credits import expire_buckets, expire_holds
from credits.application.hold_credits import hold_credits
from credits.application.open_periods import open_periods
from credits.application.ports import Transaction, Wanted
from credits.application.quote_credits import quote_credits
from credits.application.refund_payments import refund_payments
from credits.application.release_credits import release_credits
from credits.application.verify_ledger import verify_ledger
from credits.domain.limits import Limits

USE_CASES = {
    HoldCredits: hold_credits,
    CaptureCredits: capture_credits,
    ReleaseCredits: release_credits,
    QuoteCredits: quote_credits,
    PeriodOpened: open_periods,
    TopUpPaid: add_top_ups,
    PaymentRefunded: refund_payments,
    PaymentDisputed: dispute_payments,
}
Kind = TypeVar("Kind", bound=Message)


@dataclass
class Postgres:
    """The real books, and what was said through them."""

    database: Database
    limits: Limits = field(default_factory=Limits)
    transaction: Transaction = field(init=False)

    def __post_init__(self) -> None:
        self.transaction = transaction(self.database, self.limits)

    async def said(self) -> list[Message]:
        """Take what was said since the last time."""
        return await self._taken("exchange <> 'announced'")

    async def said_again(self) -> list[Message]:
        """Take what was said once more, to those alone who repair what they keep."""
        return await self._taken("exchange = 'announced'")

    async def _taken(self, which: str) -> list[Message]:
        taken = (
            f"with o as (delete from credits.outbox where {which} returning *) select * from o order by id"
        )
        async with self.database.begin() as connection:
            rows = await connection.execute(text(taken))
            return [message_class(row.type).model_validate_json(row.payload) for row in rows]


@dataclass
class Credits:
    """The service without its bus: messages go in, and what is said comes back."""

    store: Any
    clock: Clock = field(default_factory=lambda: Clock(NOW))
    alarms: Alarms = field(default_factory=Alarms)

    async def tell(self, *messages: Message, message_id: UUID | None = None) -> list[Message]:
        """Handle one batch of messages of one kind."""
        deliveries = [delivery(message, message_id) for message in messages]
        await self.handle(deliveries)
        return await self.store.said()

    async def handle(self, deliveries: Sequence[Any]) -> None:
        use_case = USE_CASES[type(deliveries[0].message)]
        await use_case(deliveries, self.store.transaction, self.alarms, self.clock)

    async def answer(self, message: Message, kind: type[Kind]) -> Kind:
        """Handle one message that has exactly one answer of this kind."""
        (answer,) = [said for said in await self.tell(message) if isinstance(said, kind)]
        return answer

    async def team_with(self, credits: int, lasting: timedelta | None = None) -> UUID:
        """Open a team's first period."""
        team_id = uuid4()
        end = {"period_end": NOW + lasting} if lasting else {}
        await self.tell(period(team_id, credits, **end))
        return team_id

    async def account(self, team_id: UUID) -> AccountChanged:
        """Look at an account as it stands, changing nothing."""
        async with self.store.transaction() as work:
            return (await work.bookkeeper.open(Wanted(teams={team_id}))).accounts[team_id].face()

    async def expire(self, team_id: UUID) -> list[Message]:
        """Let time do its work; returns what was said about one team."""
        await expire_holds(self.store.transaction, self.clock)
        await expire_buckets(self.store.transaction, self.clock)
        return [message for message in await self.store.said() if message.team_id == team_id]


@pytest.fixture(scope="session")
def schemas() -> tuple[str, ...]:
    return ("credits",)


@pytest.fixture(scope="module")
def migrated(fresh_database: FreshDatabase) -> str:
    return fresh_database.url("credits")


@pytest.fixture
async def database(migrated: str) -> AsyncIterator[Database]:
    """The real books; whatever a test did to them, the audit finds nothing."""
    database = Database(migrated, "credits", 8, plan_once=False)
    yield database
    try:
        report = await verify_ledger(PostgresAudit(database))
    finally:
        await database.close()
    assert report.findings == 0, "\n".join(report.lines())


@pytest.fixture(params=["memory", "postgres"])
def service(request: pytest.FixtureRequest) -> Credits:
    """The service on either kind of books."""
    if request.param == "memory":
        return Credits(Memory())
    return Credits(Postgres(request.getfixturevalue("database")))


@pytest.fixture(scope="module")
def environment(fresh_database: FreshDatabase, fresh_vhost: str) -> dict[str, str]:
    """The settings of processes that use the module's own database and bus."""
    return variables(fresh_database.url("credits"), fresh_vhost)
