"""Every hot statement is answered by the index that was made for it.

Most tables are empty here, so Postgres is told to prefer an index where there is any: what then still reads a
whole table has none to use, and would be slow in a large house. Names after a bar are as good.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from chassis.database import Database
from gateway.adapters.outbound.postgres import callers, events, lists, requests, slots, views

NOW, ID = datetime(2026, 11, 22, tzinfo=UTC), UUID(int=1)
PAGE = " and id < :a0 order by id desc limit 21"
HOT = {
    "who has a key": (callers._BY_KEY, (b"hash", NOW), {"uq_api_keys_secret_hash"}),
    "the jobs that keys ask for": (
        callers._JOBS_BY_KEY,
        ([b"hash"], NOW, [ID]),
        {"uq_api_keys_secret_hash|ix_api_keys_team_id_id", "pk_view_jobs|ix_view_jobs_team_id_id"},
    ),
    "a job": (views._JOB_ALONE, (ID, ID), {"pk_view_jobs|ix_view_jobs_team_id_id"}),
    "the jobs of a request": (views._JOBS_ALONE, ([ID], ID), {"pk_view_jobs|ix_view_jobs_team_id_id"}),
    "a model": (views._MODEL, {"id": ID, "team_id": ID}, {"pk_view_models|ix_view_models_team_id_id"}),
    "whether a model is busy": (
        views._BUSY_WITH,
        {"model_id": ID, "team_id": ID},
        {"ix_view_jobs_model_id_id|ix_view_jobs_team_id_status_id"},
    ),
    "a team's standing": (
        views._STANDING,
        {"team_id": ID},
        {"pk_view_accounts", "pk_view_plans", "pk_team_slots", "ix_view_jobs_team_id_status_id"},
    ),
    "the jobs of a team": (lists._JOBS + PAGE, {"team_id": ID, "a0": ID}, {"ix_view_jobs_team_id_id"}),
    "its jobs of a status": (
        f"{lists._JOBS} and status = :status{PAGE}",
        {"team_id": ID, "status": "queued", "a0": ID},
        {"ix_view_jobs_team_id_status_id"},
    ),
    "the models of a team": (lists._MODELS + PAGE, {"team_id": ID, "a0": ID}, {"ix_view_models_team_id_id"}),
    "the history of a team": (
        f"{lists._ENTRIES} order by version desc, position desc limit 21",
        {"team_id": ID},
        {"ix_view_credit_entries_team_id_version_position"},
    ),
    "a request that comes again": (requests._EARLIER, {"scope": ID, "key": "k"}, {"uq_requests_scope_key"}),
    "requests that wait": (
        requests._AWAITED,
        {"subjects": [ID], "kinds": ["generate"]},
        {"ix_requests_awaited"},
    ),
    "verdicts": (requests._SETTLE, {"ids": [ID], "verdicts": ["{}"]}, {"pk_requests"}),
    "slots given back": (slots._GIVE_BACK, {"jobs": [ID]}, {"pk_slots", "pk_team_slots"}),
}


# Where an index covers the open rows alone, Postgres has to see that they are few.
ASKED = text("""
    insert into gateway.requests
        (id, kind, scope, team_id, user_id, subject, jobs, body_hash, message_type, message, verdict,
        created_at)
    select gen_random_uuid(), 'generate', :team, :team, :team, gen_random_uuid(), '{}', '', 'm', '{}',
        case when n % 10 > 0 then cast('{}' as jsonb) end, clock_timestamp()
    from generate_series(1, 5000) as n
""")


@pytest.fixture(scope="module")
async def database(gateway_url: str) -> AsyncIterator[Database]:
    database, team = Database(gateway_url, "gateway", options={"enable_seqscan": "off"}), {"team": uuid4()}
    async with database.reading() as connection:
        await connection.execute(ASKED, team)
        await connection.execute(text("analyze gateway.requests"))
    yield database
    async with database.reading() as connection:
        await connection.execute(text("delete from gateway.requests where team_id = :team"), team)
    await database.close()


async def plan(database: Database, statement: object, values: object) -> str:
    async with database.reading() as connection:
        if isinstance(values, tuple):
            raw = await connection.get_raw_connection()
            rows = await raw.driver_connection.fetch(f"explain {statement}", *values)
        else:
            rows = await connection.execute(text(f"explain {statement}"), values)
        return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("what", HOT)
async def test_what_is_asked_all_the_time_is_found_by_its_index(database: Database, what: str):
    statement, values, wanted = HOT[what]
    said = await plan(database, statement, values)
    assert "Seq Scan" not in said, said
    assert [index for index in wanted if not any(name in said for name in index.split("|"))] == [], said


async def test_the_events_of_a_team_are_read_in_their_order(database: Database):
    values = dict.fromkeys(events._EVENTS._bindparams) | {"team_id": ID, "after": 0, "limit": 100}
    said = await plan(database, events._EVENTS, values | {"types": []})
    assert "ix_event_log_team_id_seq" in said, said
    assert "Sort" not in said, said
