"""Brings a service's own schema to its newest version, then declares the topology of the bus."""

import asyncio
from importlib.resources import as_file, files
from logging import getLogger
from typing import TYPE_CHECKING

from chassis import logs, topology
from chassis.settings import ServiceSettings

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData

logger = getLogger(__name__)


def migrate(settings: ServiceSettings, package: str) -> None:
    """Migrate the schema named like `package` and declare every queue; repeating it changes nothing."""
    logs.configure(package, settings.log_level)
    upgrade(settings.database_url, package)
    asyncio.run(topology.declare(settings.rabbitmq_url))
    logger.info("%s is migrated, the topology declared", package)


def upgrade(database_url: str, package: str) -> None:
    """Run the Alembic migrations inside `package` up to the newest; must be called outside an event loop."""
    # Only here: services import this module, and Alembic and SQLAlchemy take half a second and over 40 MB.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy.engine import make_url

    with as_file(files(package) / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.attributes["url"] = make_url(database_url).set(drivername="postgresql+asyncpg")
        config.attributes["schema"] = package
        command.upgrade(config, "head")


def run_env(metadata: "MetaData") -> None:
    """Be a service's Alembic `env.py`: one transaction, the version table in the service's own schema."""
    from alembic import context
    from sqlalchemy import pool
    from sqlalchemy.ext.asyncio import create_async_engine

    def run(connection: "Connection") -> None:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            version_table_schema=metadata.schema,
            include_schemas=True,
            include_name=lambda name, kind, _: kind != "schema" or name == metadata.schema,
        )
        with context.begin_transaction():
            context.run_migrations()

    async def main() -> None:
        engine = create_async_engine(context.config.attributes["url"], poolclass=pool.NullPool)
        async with engine.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
        await engine.dispose()

    asyncio.run(main())
