"""Write down first, send second: messages become rows of the transaction that makes them true."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from chassis.clock import utc_now
from chassis.connection import Connection, Row
from chassis.frames import Outgoing
from chassis.ids import new_id
from chassis.statement import Statement
from chassis.telemetry import current_traceparent
from contracts.envelope import Cause, Delivery
from contracts.message import Command, Fact, Message
from contracts.topology import ANNOUNCED, COMMANDS, FACTS

Written = tuple[int, Outgoing]
"""A message with the number of its row."""


def insert_sql(schema: str, where: str = "") -> str:
    """Write the one statement for any number of messages, maybe on a condition, as part of a larger one."""
    return f"""
        insert into {schema}.outbox
            (exchange, routing_key, message_id, correlation_id, type, headers, payload, next_attempt_at)
        select *, clock_timestamp() + cast(:lease as interval)
        from unnest(cast(:exchanges as text[]), cast(:keys as text[]), cast(:ids as uuid[]),
            cast(:correlations as uuid[]), cast(:types as text[]), cast(:headers as jsonb[]),
            cast(:payloads as bytea[]))
        {where} returning id, message_id
        """  # noqa: S608 - the schema is a name of ours


@dataclass
class Outbox:
    """The messages of one transaction, in the order they were added."""

    source: str
    _messages: list[Outgoing] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: Message, cause: Delivery[Any] | Cause | None = None) -> None:
        """Say `message` once this transaction commits, in answer to `cause` and within its trace."""
        self._write(COMMANDS if isinstance(message, Command) else FACTS, message, cause)

    def announce(self, fact: Fact) -> None:
        """Say a document as it stands once more, to those alone who repair what they keep of it."""
        self._write(ANNOUNCED, fact, None)

    def _write(self, exchange: str, message: Message, cause: Delivery[Any] | Cause | None) -> None:
        cause = cause or Cause(correlation_id=new_id(), traceparent=current_traceparent())
        now = utc_now()
        headers = {
            "ce-source": self.source,
            "ce-time": now.isoformat(),
            "ce-subject": message.subject,
            "causation_id": str(cause.message_id) if cause.message_id else None,
            "traceparent": cause.traceparent,
        }
        self._messages.append(
            Outgoing(
                exchange=exchange,
                routing_key=message.routing_key,
                type=message.type,
                message_id=str(new_id()),
                correlation_id=str(cause.correlation_id),
                timestamp=now,
                headers={name: value for name, value in headers.items() if value},
                body=message.model_dump_json().encode(),
            )
        )

    async def write(self, connection: Connection, insert: Statement, lease: timedelta) -> Sequence[Written]:
        """Insert what was added, in one statement; called last, just before the commit.

        Until `lease` is over nobody else looks for them: whoever wrote them sends them.
        """
        if not self._messages:
            return ()
        return self.written(await connection.execute_last(insert, self.values(lease)))

    def values(self, lease: timedelta) -> Mapping[str, object]:
        """Return what `insert_sql` asks for."""
        messages = self._messages
        return {
            "lease": lease,
            "exchanges": [message.exchange for message in messages],
            "keys": [message.routing_key for message in messages],
            "ids": [message.message_id for message in messages],
            "correlations": [message.correlation_id for message in messages],
            "types": [message.type for message in messages],
            "headers": [orjson.dumps(message.headers).decode() for message in messages],
            "payloads": [message.body for message in messages],
        }

    def written(self, rows: Iterable[Row]) -> Sequence[Written]:
        """Tell the messages' rows from what the statement returned; none when its condition was not met."""
        ids = {str(row.message_id): row.id for row in rows}
        return [(ids[message.message_id], message) for message in self._messages] if ids else ()
