"""The second delivery is boring: a message is handled in the transaction that notes it, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from chassis.connection import Connection
from chassis.statement import Statement, text
from contracts.envelope import Delivery
from contracts.message import Message

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Inbox:
    """What this service has already handled, as its open transaction sees it."""

    connection: Connection
    schema: str

    async def fresh(self, deliveries: Sequence[Delivery[M]], consumer: str) -> list[Delivery[M]]:
        """Note the deliveries as handled by `consumer` and return those that were not, each once."""
        once = {delivery.message_id: delivery for delivery in deliveries}
        new = await self._note(consumer, list(once))
        return [delivery for id_, delivery in once.items() if id_ in new]

    async def _note(self, consumer: str, message_ids: list[UUID]) -> set[UUID]:
        rows = await self.connection.execute(
            text(
                f"""
                insert into {self.schema}.inbox (consumer, message_id)
                select :consumer, id from unnest(cast(:ids as uuid[])) as id order by id
                on conflict do nothing returning message_id
                """  # noqa: S608 - the schema is a name of ours
            ),
            {"consumer": consumer, "ids": message_ids},
        )
        return set(rows.scalars())

    async def prune(self, days: int = 14) -> None:
        """Forget what was handled more than `days` ago; business keys guard beyond that."""
        await self.connection.execute(prune_statement(self.schema), {"days": days})


def prune_statement(schema: str) -> Statement:
    """Prepare the statement that forgets what was handled long ago."""
    return text(
        f"delete from {schema}.inbox where received_at < now() - make_interval(days => :days)"  # noqa: S608 - the schema is a name of ours
    )
