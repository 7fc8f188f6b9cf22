"""Every statement of jobs reads by the index that was made for it, and the loss of that index is seen.

`along` an index: all of it is read, in its order. `whole`: the table is. Both are only good for few rows,
or with a limit; a line says which. A statement that is not listed reads no table.
"""

from collections.abc import AsyncIterator

import pytest

from chassis.database import Database
from chassis.plans import flaws, statements_of
from chassis.testing import FreshDatabase
from jobs.adapters import outbound

STATEMENTS = statements_of(outbound)
READS = {
    "closing._TAKE": {"ix_closed_teams_look_at", "pk_closed_teams"},
    "closing._OPEN": {"ix_jobs_team_id"},
    "closing._UNTOLD": {"ix_jobs_team_id"},
    "closing._CLEAR.0": {"ix_exports_team_id_created_at"},
    "closing._CLEAR.1": {"whole moves"},  # a move is gone within a minute
    "closing._CLEAR.2": {"ix_models_team_id", "pk_model_versions"},
    "closing._CLEAR.3": {"ix_models_team_id"},
    "closing._CLEAR.4": {"ix_weights_team_id"},
    "closing._LOOK": {"pk_closed_teams"},
    "keeping._TAKE_DISCARDS": {"ix_discards_lease_until", "pk_discards"},
    "keeping._DISCARDED": {"pk_discards"},
    "keeping._TAKE_MOVES": {"ix_moves_lease_until", "pk_moves"},
    "keeping._FINISH": {"pk_moves"},
    "keeping._LOCK_EXPORTS": {"pk_exports"},
    "keeping._DUE_EXPORTS": {"ix_exports_expires_at"},
    "keeping._PAGE_EXPORTS": {"pk_exports"},
    "keeping._COUNTS": {"ix_exports_team_id_created_at"},
    "keeping._TAKE_EXPORTS": {"ix_exports_processing", "pk_exports"},
    "keeping._LEASE_EXPORT": {"pk_exports"},
    # The line and what is under way are read whole by who holds the dispatcher, of which there is one row.
    "line._ANYBODY": {"along ix_jobs_queued"},
    "line._DISPATCHER": {"whole dispatcher"},
    "line._FAILURES": {"whole dispatcher"},
    "line._SET_BREAKER": {"whole dispatcher"},
    "line._OCCUPIED": {"along ix_jobs_working"},
    "line._SUBMITTING": {"ix_jobs_working", "uq_attempts_job_id_step_n"},
    "line._CANDIDATES": {"along ix_jobs_queued", "ix_jobs_working", "ix_jobs_queued", "pk_plans"},
    "line._PLACES": {"along ix_jobs_queued", "along ix_jobs_working", "pk_plans"},
    "postgres._LOCK": {"pk_jobs"},
    "postgres._TAKE": {"ix_jobs_queued"},  # of what waits, those chosen
    "postgres._DUE": {"ix_jobs_due_at"},
    "postgres._OUTDATED": {"ix_jobs_expires_at"},
    "postgres._TO_WARN": {"ix_jobs_warn_at"},
    "postgres._LOOK": {"pk_jobs"},
    "postgres._PAGE": {"pk_jobs"},
    "postgres._USING": {"ix_jobs_due_at"},  # the open jobs of all teams, when a model is deleted
    "postgres._KNOWN": {"pk_jobs"},
    "postgres._IN_TRAINING": {"uq_jobs_training_of"},
    "postgres._LOCK_TRIED": {"pk_attempts", "pk_jobs"},
    "postgres._ATTEMPTS": {"uq_attempts_job_id_step_n"},
    "postgres._SAVE": {"pk_jobs"},
    "postgres._TO_POLL": {"ix_jobs_poll_at", "pk_jobs"},
    "postgres._TO_STORE": {"along ix_jobs_storing", "pk_jobs"},  # a few, those without a lease first
    "postgres._SET_ASIDE": {"pk_jobs"},
    "postgres._LEASE": {"pk_jobs"},
    "shelf._FIND_REFERENCES": {"pk_reference_models"},
    "shelf._FIND_MODELS": {"pk_model_versions", "pk_models", "pk_weights"},
    "shelf._MAY_PIN": {"pk_plans"},
    "shelf._TAKE": {"ix_jobs_tombstones_job_id"},
    "shelf._FORGET": {"whole tombstones"},  # cancels that overtook their jobs: few, and for a day
}
# What is open is little beside what has ended: by that Postgres chooses among the indexes of jobs.
FILL = """
    insert into jobs.jobs (id, team_id, operation, state, step, steps, priority, code, created_at, due_at,
        poll_at, lease_until, expires_at, warn_at, data)
    select gen_random_uuid(), md5((n % 4000)::text)::uuid, 'generate_images', state, 1, 1, 0, null, at,
        case when open then at end, case when state = 'running' and n % 20 = 0 then at end, null,
        case when not open then at end, case when not open then at end, '{"receipt": {}}'
    from (
        select n, now() + n * interval '1 second' as at, n % 10 = 0 as open,
            case when n % 10 > 0 then 'completed'
                else (array['queued', 'submitting', 'running', 'storing', 'settling'])[1 + n / 10 % 5]
            end as state
        from generate_series(1, 20000) as n
    ) as made;
    insert into jobs.attempts (id, job_id, step, n, state, endpoint, started_at)
    select gen_random_uuid(), id, 1, 1, 'succeeded', 'e', created_at from jobs.jobs;
    analyze jobs.jobs, jobs.attempts
"""


@pytest.fixture(scope="module")
async def database(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    fresh_database.query(FILL)
    database = Database(fresh_database.url("jobs"), "jobs", pool_size=1)
    yield database
    await database.close()


def test_what_is_judged_is_still_asked():
    assert set(READS) <= set(STATEMENTS)


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_statement_reads_by_its_index(database: Database, name: str):
    assert await flaws(database, STATEMENTS[name], READS.get(name, ())) == []
