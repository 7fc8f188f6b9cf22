"""Letters that are to be delivered: written in the transaction that makes them true, gone once taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.connection import Connection, Row
from chassis.ids import new_id
from chassis.statement import text
from gateway.domain.letters import LEASE, Content, Letter

_WRITE = text("""
    insert into gateway.letters (id, recipient, subject, body, html, created_at, next_attempt_at)
    values (:id, :recipient, :subject, :body, :html, :now, :now)
""")
_COLUMNS = "id, recipient, subject, body, html, created_at, attempts, last_error"
_CLAIM = text(f"""
    update gateway.letters set attempts = attempts + 1, next_attempt_at = :leased_until where id in (
        select id from gateway.letters where next_attempt_at <= :now
        order by next_attempt_at limit :limit for update skip locked)
    returning {_COLUMNS}
""")  # noqa: S608 - names of ours
_DELIVERED = text("delete from gateway.letters where id = :id")
_FAILED = text("""
    update gateway.letters set last_error = :error, next_attempt_at = cast(:next_attempt as timestamptz),
        parked_at = case when cast(:next_attempt as timestamptz) is null then clock_timestamp() end
    where id = :id
""")
_PARKED = text(f"""
    select {_COLUMNS} from gateway.letters where parked_at is not null order by created_at
""")  # noqa: S608 - names of ours
_COUNT = text("select count(*) from gateway.letters where parked_at is not null")
_UNPARK = text("""
    update gateway.letters set parked_at = null, attempts = 0, next_attempt_at = :now
    where id = any(:ids) and parked_at is not null returning id
""")
_DROP = text("delete from gateway.letters where id = any(:ids) and parked_at is not null returning id")
_FORGET = text("delete from gateway.letters where parked_at < :before")


@dataclass(frozen=True, slots=True)
class StoredLetters:
    """Letters, within one transaction."""

    connection: Connection

    async def write(self, recipient: str, content: Content, now: datetime) -> None:
        """Write a letter; it is delivered after the transaction has committed."""
        words = {"subject": content.subject, "body": content.text, "html": content.html}
        await self.connection.execute(_WRITE, {"id": new_id(), "recipient": recipient, "now": now} | words)

    async def claim(self, now: datetime, limit: int) -> list[Letter]:
        """Begin the next attempt of letters that are due, so that nobody else begins the same one."""
        values = {"now": now, "leased_until": now + LEASE, "limit": limit}
        return [_read(row) for row in await self.connection.execute(_CLAIM, values)]

    async def delivered(self, letter_id: UUID) -> None:
        """Forget a letter that was taken."""
        await self.connection.execute(_DELIVERED, {"id": letter_id})

    async def failed(self, letter_id: UUID, error: str, next_attempt: datetime | None) -> None:
        """Note why a letter was not taken, and when to try again; never: it is parked."""
        values = {"id": letter_id, "error": error[:500], "next_attempt": next_attempt}
        await self.connection.execute(_FAILED, values)

    async def parked(self) -> Sequence[Letter]:
        """List the letters that are parked, the oldest first."""
        return [_read(row) for row in await self.connection.execute(_PARKED)]

    async def count_parked(self) -> int:
        """Count the letters that are parked."""
        return int((await self.connection.execute(_COUNT)).scalar_one())

    async def unpark(self, letter_ids: Sequence[UUID], now: datetime) -> int:
        """Try parked letters anew; tells how many there were."""
        unparked = await self.connection.execute(_UNPARK, {"ids": list(letter_ids), "now": now})
        return len(unparked.all())

    async def drop(self, letter_ids: Sequence[UUID]) -> int:
        """Forget parked letters; tells how many there were."""
        return len((await self.connection.execute(_DROP, {"ids": list(letter_ids)})).all())

    async def forget(self, parked_before: datetime) -> None:
        """Forget letters that have been parked since before then."""
        await self.connection.execute(_FORGET, {"before": parked_before})


def _read(row: Row) -> Letter:
    content = Content(row.subject, row.body, row.html)
    return Letter(row.id, row.recipient, content, row.created_at, row.attempts, row.last_error)
