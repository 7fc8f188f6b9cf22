"""Notes what each job's images cost and what one more would: `python spendings.py amqp://... FILE.sqlite`.

A service of its own beside Atelier's, which knows the contracts, an AMQP client, and nothing else.
"""

import asyncio
import logging
import sqlite3
import sys

import aio_pika

from contracts import Message, message_class
from contracts.credits import CreditsQuoted, QuoteCredits, QuoteItem
from contracts.jobs import JobChanged
from contracts.topology import COMMANDS, FACTS

logger = logging.getLogger("spendings")
KEYS = (f"{JobChanged.type}.generate_images.completed", CreditsQuoted.type)
SAFE: aio_pika.abc.HeadersType = {"x-queue-type": "quorum"}
PARKS: aio_pika.abc.HeadersType = {"x-delivery-limit": 20, "x-dead-letter-exchange": "spendings.parked"}


async def listen(url: str, store: sqlite3.Connection) -> None:
    async with await aio_pika.connect_robust(url, heartbeat=10) as connection:
        channel = await connection.channel(on_return_raises=True)
        await channel.set_qos(prefetch_count=20)
        await channel.declare_exchange("spendings.parked", "fanout", durable=True)
        parked = await channel.declare_queue("spendings.parked", durable=True, arguments=SAFE)
        await parked.bind("spendings.parked")
        queue = await channel.declare_queue("spendings", durable=True, arguments=SAFE | PARKS)
        for key in KEYS:
            await queue.bind(FACTS, key)
        commands = await channel.get_exchange(COMMANDS, ensure=False)
        async with queue.iterator() as messages:
            async for incoming in messages:
                try:
                    async with incoming.process():  # acknowledged at the end; parked when this raises
                        kind = message_class(incoming.type or "")  # None: newer than our contracts
                        if kind and (question := hear(kind.model_validate_json(incoming.body), store)):
                            await commands.publish(envelope(question), question.routing_key)
                except ValueError:
                    logger.exception("cannot read %s", incoming.message_id)


def hear(message: Message, store: sqlite3.Connection) -> QuoteCredits | None:
    with store:  # each fact under its business key, so that hearing it twice changes nothing
        if isinstance(message, CreditsQuoted):
            answer = (message.total, str(message.request_id))
            store.execute("update costs set one_more = ? where job = ?", answer)
        elif isinstance(message, JobChanged) and message.receipt:
            row = (str(message.id), str(message.team_id), message.receipt.captured)
            store.execute("insert or ignore into costs values (?, ?, ?, null)", row)
            item = QuoteItem(operation=message.operation, quantity=1, size=message.recipe.size)
            return QuoteCredits(request_id=message.id, team_id=message.team_id, items=(item,))
    return None


def envelope(command: QuoteCredits) -> aio_pika.Message:
    body, id_ = command.model_dump_json().encode(), command.subject
    source: aio_pika.abc.HeadersType = {"ce-source": "spendings", "ce-subject": id_}
    return aio_pika.Message(
        body, headers=source, type=command.type, message_id=id_, correlation_id=id_, delivery_mode=2
    )


if __name__ == "__main__":
    spendings = sqlite3.connect(sys.argv[2])
    spendings.execute("create table if not exists costs (job primary key, team, charged, one_more)")
    asyncio.run(listen(sys.argv[1], spendings))
