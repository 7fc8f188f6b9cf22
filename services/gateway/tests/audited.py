"""A house whose books are looked through."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Self
from uuid import UUID, uuid4

from services.gateway.tests.stage import SITE

from chassis.clock import utc_now
from chassis.database import Database
from chassis.statement import text
from chassis.testing import delivery
from contracts.credits import AccountChanged, Entry
from contracts.jobs import JobChanged, Receipt
from contracts.message import Message
from contracts.orders import Operation, Recipe
from gateway.adapters.outbound.postgres.work import transaction
from gateway.application.audit import audit_news
from gateway.application.checking import StoredFinding
from gateway.application.project_documents import project_documents

NONE, MINUTES = timedelta(0), timedelta(minutes=2)
PAID = Receipt(held=8, captured=6, released=2, unit_price=2, units=3, reason="captured")
FREED = Receipt(held=8, captured=0, released=8, unit_price=2, units=0, reason="failed")


class House:
    """What credits and jobs say about one team, shown by the projector."""

    def __init__(self, database: Database) -> None:
        self.database, self.team_id = database, uuid4()
        self.transaction = transaction(database)
        self.version = self.spendable = self.reserved = 0

    @classmethod
    async def furnished(cls, database: Database) -> Self:
        """Begin with the credits of the first month."""
        house = cls(database)
        await house.hear(house.account(("replenish", 200, 0, None)))
        return house

    async def hear(self, *messages: Message) -> None:
        await project_documents([delivery(message) for message in messages], self.transaction, utc_now, SITE)

    def account(self, *lines: tuple[str, int, int, UUID | None]) -> AccountChanged:
        """Post lines of kind, amount, charged and job, and show the account after them."""
        self.version += 1
        entries = []
        for kind, amount, charged, job_id in lines:
            self.spendable += amount
            self.reserved -= amount + charged if job_id else 0
            entries.append(
                Entry(
                    id=uuid4(), kind=kind, amount=amount, charged=charged, balance_after=self.spendable,
                    version=self.version, job_id=job_id, at=utc_now(),
                )
            )  # fmt: skip
        return AccountChanged(
            team_id=self.team_id,
            version=self.version,
            available=self.spendable,
            bonus=0,
            reserved=self.reserved,
            entries=tuple(entries),
        )

    def job(self, id_: UUID, status: str, version: int = 1, receipt: Receipt | None = None) -> JobChanged:
        now = utc_now()
        return JobChanged(
            id=id_, team_id=self.team_id, version=version, operation=Operation.GENERATE_IMAGES, status=status,
            quantity=4, recipe=Recipe(), receipt=receipt, created_at=now, updated_at=now,
        )  # fmt: skip

    async def begun(self, amount: int = 8) -> UUID:
        """A job whose credits are held."""
        id_ = uuid4()
        await self.hear(self.account(("reserve", -amount, 0, id_)), self.job(id_, "processing"))
        return id_

    async def settled(self, job_id: UUID) -> None:
        await self.hear(self.account(("deduct", 0, 6, job_id), ("refund", 2, 0, job_id)))

    async def ended(self, job_id: UUID) -> None:
        await self.hear(self.job(job_id, "completed", 2, PAID))

    async def look(self, after: timedelta = NONE, grace: timedelta = NONE) -> list[tuple[str, UUID]]:
        """Look at what is new, as if so much time had passed."""
        found = await audit_news(self.transaction, lambda: utc_now() + after, grace)
        assert found is not None
        return shown(found.findings)

    async def rows(self, query: str) -> Sequence[object]:
        async with self.database.reading() as connection:
            return list(await connection.execute(text(query)))

    async def said(self) -> list[str]:
        return [row.type for row in await self.rows("select type from gateway.outbox order by id")]


def shown(findings: Sequence[StoredFinding]) -> list[tuple[str, UUID]]:
    return [(one.finding.kind.value, one.finding.subject) for one in findings]
