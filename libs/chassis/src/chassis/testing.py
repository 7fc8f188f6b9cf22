"""Fixtures for tests on real parts; they build on the session's `nodes` fixture of the root conftest."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import MetaData
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from chassis import topology
from chassis.connection import Connection
from chassis.database import Database
from chassis.migrate import upgrade
from chassis.statement import text
from contracts import MESSAGES
from contracts.envelope import Delivery
from contracts.message import AnyMessage, Command, Message
from contracts.topology import COMMANDS, FACTS, QUEUES, RETRY_DELAYS, UNROUTED


@dataclass(frozen=True)
class FreshDatabase:
    """A database with the five roles and schemas, and nothing in them that a migration has not put there."""

    name: str
    postgres: Any

    def url(self, role: str) -> str:
        """Return the address of this database for a service's role."""
        return str(self.postgres.dsn(self.name, role))

    def query(self, sql: str) -> str:
        """Run statements as the superuser and return what they print, a row a line."""
        return str(self.postgres.sql(sql, self.name)).strip()


@dataclass(frozen=True)
class Templates:
    """Databases to be copied, each migrated once: to migrate takes seconds, to copy does not."""

    postgres: Any
    names: dict[tuple[str, ...], str] = field(default_factory=dict)

    def migrated(self, schemas: tuple[str, ...]) -> str | None:
        """Name the database in which these schemas are migrated; None when nothing is to be copied."""
        from atelier_local.nodes import provision

        if schemas and schemas not in self.names:
            name = f"template_{uuid4().hex[:12]}"
            provision(self.postgres, name)
            for schema in schemas:
                in_thread(partial(upgrade, str(self.postgres.dsn(name, schema)), schema))
            self.names[schemas] = name
        return self.names.get(schemas)


@pytest.fixture(scope="session")
def templates(nodes: Any) -> Iterator[Templates]:  # noqa: ANN401 - deploy/local is no dependency of ours
    """Keep the session's templates; dropped at its end."""
    from atelier_local.nodes import drop_database

    templates = Templates(nodes.postgres)
    yield templates
    for name in templates.names.values():
        drop_database(nodes.postgres, name)


@pytest.fixture(scope="session")
def schemas() -> tuple[str, ...]:
    """Name the schemas that a fresh database has migrated; whoever wants some says so by this name."""
    return ()


@pytest.fixture(scope="module")
def fresh_database(templates: Templates, schemas: tuple[str, ...]) -> Iterator[FreshDatabase]:
    """Make a provisioned database of the module's own; dropped at its end."""
    from atelier_local.nodes import drop_database, provision

    name, postgres = f"test_{uuid4().hex[:12]}", templates.postgres
    provision(postgres, name, templates.migrated(schemas))
    yield FreshDatabase(name, postgres)
    drop_database(postgres, name)


@pytest.fixture(scope="session")
def vhost(nodes: Any) -> str:  # noqa: ANN401 - as above
    """Make one virtual host for the session: each takes rabbitmqctl seconds."""
    name = f"test-{uuid4().hex[:12]}"
    nodes.rabbitmq.add_vhost(name)
    return str(nodes.rabbitmq.url(name))


@pytest.fixture(scope="module")
def fresh_vhost(vhost: str) -> str:
    """Return a virtual host with the whole topology: nothing is in its queues, and nobody listens to them."""
    in_thread(lambda: asyncio.run(_begin_anew(vhost)))
    return vhost


async def _begin_anew(url: str) -> None:
    await topology.declare(url)
    names = [*RETRY_DELAYS, UNROUTED, *(name for queue in QUEUES for name in (queue.name, queue.parked))]
    connection = await aio_pika.connect(url)
    async with connection, asyncio.timeout(30):
        channel = await connection.channel()
        for name in names:
            queue = await channel.declare_queue(name, passive=True)
            while queue.declaration_result.consumer_count:  # what it holds comes back when it has ended
                await asyncio.sleep(0.1)
                queue = await channel.declare_queue(name, passive=True)
            await queue.purge()


async def schema_differences(url: str, described: MetaData) -> list[object]:
    """Tell where a migrated schema is not what its tables are described as."""

    def compare(connection: SyncConnection) -> list[object]:
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == described.schema,
            "include_object": lambda _, name, *__: name != "alembic_version",
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), described))

    # Away from the role's own search path, where the schema would go unnamed.
    elsewhere = {"server_settings": {"search_path": "pg_catalog"}}
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), connect_args=elsewhere)
    async with engine.connect() as connection:
        found = await connection.run_sync(compare)
    await engine.dispose()
    return found


async def take_said(database: Database) -> list[Message]:
    """Take the messages out of a service's outbox, oldest first."""
    taken = f"with o as (delete from {database.schema}.outbox returning *) select type, payload from o order by id"  # noqa: S608, E501
    async with database.begin() as connection:
        rows = await connection.execute(text(taken))
        return [MESSAGES[row.type].model_validate_json(row.payload) for row in rows]


@contextmanager
def statements() -> Iterator[list[str]]:
    """Note each statement that is run meanwhile, but those that begin and end transactions."""
    said: list[str] = []
    run = Connection._run  # noqa: SLF001 - where all of them pass

    async def noting(self: Connection, sql: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - as it is
        if sql not in {"begin", "commit", "rollback"}:
            said.append(sql)
        return await run(self, sql, call)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "_run", noting)
        yield said


async def empty(database: Database, described: MetaData, heads: Mapping[str, str] | None = None) -> None:
    """Delete every row of a service's tables, in one statement.

    `heads` are tables of one row that is set back instead, as it is said of each.
    """
    heads = heads or {}
    tables = [table for table in reversed(described.sorted_tables) if table.name not in heads]
    steps = [f"delete from {table}" for table in tables]  # noqa: S608 - names of ours
    steps += [f"update {described.schema}.{name} set {to}" for name, to in heads.items()]  # noqa: S608
    async with database.begin() as connection:
        await connection.execute(text(f"do $$ begin {'; '.join(steps)}; end $$"))


def in_thread(call: Callable[[], object]) -> None:
    """Run something that starts an event loop of its own, also where one runs already."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        pool.submit(call).result()


def delivery(message: AnyMessage, message_id: UUID | None = None) -> Delivery[AnyMessage]:
    """Wrap a message as if it had just arrived."""
    return Delivery(message, message_id or uuid4(), uuid4())


@dataclass(frozen=True)
class Bus:
    """A test's own place on the bus: says messages, and hears what is said meanwhile."""

    channel: aio_pika.abc.AbstractChannel
    heard: asyncio.Queue[Message]

    async def say(self, message: Message, message_id: UUID | None = None) -> None:
        """Publish a message as a service would."""
        exchange = await self.channel.get_exchange(
            COMMANDS if isinstance(message, Command) else FACTS, ensure=False
        )
        await exchange.publish(
            aio_pika.Message(
                message.model_dump_json().encode(),
                content_type="application/json",
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                message_id=str(message_id or uuid4()),
                correlation_id=str(uuid4()),
                type=message.type,
            ),
            message.routing_key,
        )

    async def hear(self, kind: type[AnyMessage], within: float = 10) -> AnyMessage:
        """Wait for the next message of a class; others that come first are put aside and lost."""
        async with asyncio.timeout(within):
            while True:
                message = await self.heard.get()
                if isinstance(message, kind):
                    return message

    async def silence(self, seconds: float = 0.5) -> list[Message]:
        """Wait, and return everything that was heard meanwhile."""
        await asyncio.sleep(seconds)
        return [self.heard.get_nowait() for _ in range(self.heard.qsize())]


@asynccontextmanager
async def listening(url: str, *kinds: type[Message], facts: str = FACTS) -> AsyncIterator[Bus]:
    """Open a place on the bus that hears commands and facts of these classes from now on.

    `facts` is the exchange that the facts are heard from.
    """
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        for kind in kinds:
            if issubclass(kind, Command):
                await queue.bind(COMMANDS, kind.type)
            else:
                await queue.bind(facts, f"{kind.type}.#")
        bus = Bus(channel, asyncio.Queue())

        async def hear(incoming: aio_pika.abc.AbstractIncomingMessage) -> None:
            async with incoming.process():
                kind = MESSAGES[incoming.type or ""]
                bus.heard.put_nowait(kind.model_validate_json(incoming.body))

        await queue.consume(hear)
        yield bus
