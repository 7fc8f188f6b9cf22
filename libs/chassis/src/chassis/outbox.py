"""Write down first, send second: messages become rows of the transaction that makes them true."""

from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import TextClause, text

from chassis.clock import utc_now
from chassis.connection import Connection
from chassis.ids import new_id
from chassis.telemetry import current_traceparent
from contracts.envelope import Cause, Delivery
from contracts.message import Command, Fact, Message
from contracts.topology import ANNOUNCED, COMMANDS, FACTS


def insert_statement(schema: str) -> TextClause:
    """Prepare the one statement that writes any number of messages."""
    return text(
        f"""
        insert into {schema}.outbox
            (exchange, routing_key, message_id, correlation_id, type, headers, payload)
        select * from unnest(cast(:exchanges as text[]), cast(:keys as text[]), cast(:ids as uuid[]),
            cast(:correlations as uuid[]), cast(:types as text[]), cast(:headers as jsonb[]),
            cast(:payloads as bytea[]))
        """  # noqa: S608 - the schema is a name of ours
    )


@dataclass
class Outbox:
    """The messages of one transaction, in the order they were added."""

    source: str
    _rows: list[tuple[Any, ...]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, message: Message, cause: Delivery[Any] | Cause | None = None) -> None:
        """Say `message` once this transaction commits, in answer to `cause` and within its trace."""
        self._write(COMMANDS if isinstance(message, Command) else FACTS, message, cause)

    def announce(self, fact: Fact) -> None:
        """Say a document as it stands once more, to those alone who repair what they keep of it."""
        self._write(ANNOUNCED, fact, None)

    def _write(self, exchange: str, message: Message, cause: Delivery[Any] | Cause | None) -> None:
        cause = cause or Cause(correlation_id=new_id(), traceparent=current_traceparent())
        headers = {
            "ce-source": self.source,
            "ce-time": utc_now().isoformat(),
            "ce-subject": message.subject,
            "causation_id": str(cause.message_id) if cause.message_id else None,
            "traceparent": cause.traceparent,
        }
        self._rows.append(
            (
                exchange,
                message.routing_key,
                new_id(),
                cause.correlation_id,
                message.type,
                orjson.dumps({name: value for name, value in headers.items() if value}).decode(),
                message.model_dump_json().encode(),
            )
        )

    async def write(self, connection: Connection, insert: TextClause) -> None:
        """Insert what was added, in one statement; called last, just before the commit."""
        if self._rows:
            names = ("exchanges", "keys", "ids", "correlations", "types", "headers", "payloads")
            columns = (list(column) for column in zip(*self._rows, strict=True))
            await connection.execute_last(insert, dict(zip(names, columns, strict=True)))
