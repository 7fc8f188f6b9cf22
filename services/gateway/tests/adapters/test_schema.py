from chassis.testing import schema_differences
from gateway.adapters.outbound.postgres.all_tables import SCHEMA


async def test_the_migrations_make_the_described_tables(gateway_url: str) -> None:
    assert await schema_differences(gateway_url, SCHEMA) == []
