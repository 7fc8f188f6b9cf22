from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.adapters.outbound.postgres.tables import SCHEMA


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == "gateway",
            "include_object": lambda _, name, *__: name != "alembic_version",
        },
    )
    return list(compare_metadata(context, SCHEMA))


async def test_the_migrations_make_the_described_tables(gateway_url: str) -> None:
    # Away from the role's own search path, where the schema would go unnamed.
    elsewhere = {"server_settings": {"search_path": "pg_gateway"}}
    engine = create_async_engine(
        gateway_url.replace("postgresql:", "postgresql+asyncpg:"), connect_args=elsewhere
    )
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()

    assert found == []
