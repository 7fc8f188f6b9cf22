"""Every hot statement reads by the index that was made for it, and the loss of that index is seen."""

from collections.abc import AsyncIterator

import pytest

from chassis.database import Database
from chassis.plans import flaws, plan
from chassis.statement import text
from chassis.testing import FreshDatabase
from gateway.adapters.outbound.postgres import at_once, callers, events, lists, requests, slots, views

PAGE = " and id < :a0 order by id desc limit 21"
CALLER = {"uq_api_keys_secret_hash", "pk_memberships", "pk_users", "pk_view_plans"}
HOT = {
    "who has a key": (callers._BY_KEY, CALLER),
    "the jobs that keys ask for": (callers._JOBS_BY_KEY, CALLER | {"pk_view_jobs"}),
    "what images of keys are made with": (
        callers._SOURCES_BY_KEY,
        CALLER | {"pk_view_models", "pk_view_reference_models"},
    ),
    "a job": (views._JOB_ALONE, {"ix_view_jobs_team_id_id"}),
    "the jobs of a request": (views._JOBS_ALONE, {"ix_view_jobs_team_id_id"}),
    "a model": (views._MODEL, {"ix_view_models_team_id_id"}),
    "whether a model is busy": (views._BUSY_WITH, {"ix_view_jobs_model_id_id"}),
    "a team's standing": (
        views._STANDING,
        {"pk_view_accounts", "pk_view_plans", "pk_team_slots", "ix_view_jobs_team_id_status_id"},
    ),
    "the jobs of a team": (text(lists._JOBS + PAGE), {"ix_view_jobs_team_id_id"}),
    "its jobs of a status": (
        text(f"{lists._JOBS} and status = :status{PAGE}"),
        {"ix_view_jobs_team_id_status_id"},
    ),
    "the models of a team": (text(lists._MODELS + PAGE), {"ix_view_models_team_id_id"}),
    "the history of a team": (
        text(f"{lists._ENTRIES} order by version desc, position desc limit 21"),
        {"ix_view_credit_entries_team_id_version_position"},
    ),
    "a request that is new": (at_once._WRITE, {"pk_team_slots"}),
    "a request that comes again": (requests._EARLIER, {"uq_requests_scope_key"}),
    "requests that wait": (requests._AWAITED, {"ix_requests_awaited"}),
    "verdicts": (requests._SETTLE, {"pk_requests"}),
    "slots given back": (slots._GIVE_BACK, {"pk_slots", "pk_team_slots"}),
    "the events of a team": (events._EVENTS, {"ix_event_log_team_id_seq"}),
}


# A house where teams have many jobs and most of them have ended: by that Postgres chooses among indexes.
FILL = """
    set session_replication_role = replica;
    insert into gateway.requests (id, kind, scope, team_id, user_id, subject, jobs, body_hash, message_type,
        message, verdict, created_at)
    select gen_random_uuid(), 'generate', md5('1')::uuid, md5('1')::uuid, md5('1')::uuid, gen_random_uuid(),
        '{}', '', 'm', '{}', case when n % 10 > 0 then '{}'::jsonb end, now()
    from generate_series(1, 5000) as n;
    insert into gateway.view_jobs (id, team_id, operation, status, model_id, created_at, version, document)
    select gen_random_uuid(), md5((n % 20)::text)::uuid, 'generate_images',
        case when n % 10 > 0 then 'completed' else 'queued' end, md5((n % 5000)::text)::uuid, now(), 1, '{}'
    from generate_series(1, 20000) as n;
    insert into gateway.view_models (id, team_id, status, words, version, document)
    select gen_random_uuid(), md5((n % 20)::text)::uuid, 'ready', '', 1, '{}'
    from generate_series(1, 5000) as n;
    insert into gateway.users (id, email, name, password_hash, created_at)
    select md5(n::text)::uuid, n, '', '', now() from generate_series(1, 2000) as n;
    insert into gateway.memberships (team_id, user_id, role, created_at)
    select md5(((email::int + n) % 2000)::text)::uuid, id, 'owner', now()
    from gateway.users, generate_series(0, 9) as n order by 1;
    insert into gateway.api_keys (id, team_id, user_id, name, prefix, secret_hash, scopes, budget_period,
        created_at)
    select gen_random_uuid(), id, id, '', '', convert_to(email, 'UTF8'), '{}', 'total', now()
    from gateway.users;
    insert into gateway.view_plans (team_id, per_minute, version, document)
    select id, 60, 1, '{}' from gateway.users;
    analyze gateway.requests, gateway.view_jobs, gateway.view_models, gateway.users, gateway.memberships,
        gateway.api_keys, gateway.view_plans
"""


@pytest.fixture(scope="module")
async def database(gateway_url: str, fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    fresh_database.query(FILL)
    database = Database(gateway_url, "gateway", pool_size=1)
    yield database
    await database.close()


@pytest.mark.parametrize("what", HOT)
async def test_what_is_asked_all_the_time_is_found_by_its_index(database: Database, what: str):
    statement, wanted = HOT[what]
    assert await flaws(database, statement, wanted) == []


async def test_the_events_of_a_team_are_read_in_their_order(database: Database):
    assert "'Sort'" not in str(await plan(database, events._EVENTS))
