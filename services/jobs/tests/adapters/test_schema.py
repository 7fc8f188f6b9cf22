import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.migrate import upgrade
from chassis.testing import in_thread
from jobs.adapters.outbound.tables import METADATA


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == "jobs",
            "include_object": lambda _, name, *__: name != "alembic_version",
        },
    )
    return list(compare_metadata(context, METADATA))


@pytest.fixture(scope="module")
def migrated(fresh_database) -> str:
    url = fresh_database.url("jobs")
    in_thread(lambda: upgrade(url, "jobs"))
    return url


async def test_the_migrations_make_the_described_tables(migrated):
    # Away from the role's own search path, where the schema would go unnamed.
    elsewhere = {"server_settings": {"search_path": "pg_jobs"}}
    engine = create_async_engine(
        migrated.replace("postgresql:", "postgresql+asyncpg:"), connect_args=elsewhere
    )
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()

    assert found == []
