"""Teams that were there before payments were."""

from datetime import UTC, datetime
from importlib.resources import as_file, files
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import make_url

from billing.adapters.outbound.postgres.work import transaction
from billing.application.open_months import open_months
from chassis.database import Database
from chassis.migrate import upgrade
from chassis.testing import FreshDatabase, in_thread, take_said


@pytest.fixture(scope="session")
def schemas() -> tuple[str, ...]:
    return ()  # migrated step by step


def upgrade_to_the_first(url: str) -> None:
    with as_file(files("billing") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.attributes["url"] = make_url(url).set(drivername="postgresql+asyncpg")
        config.attributes["schema"] = "billing"
        command.upgrade(config, "0001")


async def test_months_that_were_opened_before_are_not_opened_again(fresh_database: FreshDatabase):
    url, team = fresh_database.url("billing"), uuid4()
    in_thread(lambda: upgrade_to_the_first(url))
    fresh_database.query(
        f"""
        insert into billing.subscriptions values ('{team}', 'free', 'active', 1, 20, 60, false, 1,
            '2026-01-31T09:30Z', '2026-01-31T09:30Z', '2026-02-28T09:30Z');
        insert into billing.periods (source_ref, team_id, kind, credits, plan, period_start, period_end)
        values ('free:{team}:2026-01-31', '{team}', 'reset', 200, 'free',
            '2026-01-31T09:30Z', '2026-02-28T09:30Z')
        """
    )
    in_thread(lambda: upgrade(url, "billing"))
    database = Database(url, "billing", pool_size=1)
    async with transaction(database)() as work:
        (known,) = await work.books.granted(team)
        standing = await work.subscriptions.lock(team)
    assert standing is not None
    assert known[1] == standing.period().source_ref
    await open_months(transaction(database), lambda: datetime(2026, 3, 1, tzinfo=UTC))
    (period,) = await take_said(database)
    await database.close()
    assert period.source_ref == f"free:{team}:2026-02-28T09:30:00Z"
