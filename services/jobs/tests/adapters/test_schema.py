from chassis.migrate import upgrade
from chassis.testing import in_thread, schema_differences
from jobs.adapters.outbound.keeping_tables import METADATA


async def test_the_migrations_make_the_described_tables(fresh_database):
    url = fresh_database.url("jobs")
    in_thread(lambda: upgrade(url, "jobs"))
    assert await schema_differences(url, METADATA) == []
