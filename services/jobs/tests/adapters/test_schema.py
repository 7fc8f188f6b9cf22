from chassis.testing import schema_differences
from jobs.adapters.outbound.keeping_tables import METADATA


async def test_the_migrations_make_the_described_tables(fresh_database):
    assert await schema_differences(fresh_database.url("jobs"), METADATA) == []
