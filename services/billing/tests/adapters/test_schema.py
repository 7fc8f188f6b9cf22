from billing.adapters.outbound.tables import metadata
from chassis.testing import schema_differences


async def test_the_migrations_make_the_described_tables(migrated):
    assert await schema_differences(migrated, metadata) == []
