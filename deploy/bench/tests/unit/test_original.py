import json
from uuid import UUID

from bench.growing.original import TABLES, Original

TEAM, KEY, MODEL, JOB, CURATED, POSTING = (str(UUID(int=n)) for n in range(1, 7))


def more(known: dict[str, list[str]], **found: list[dict[str, object]]) -> dict[str, list[str]]:
    return known | {
        name.replace("__", "."): [json.dumps(row) for row in rows] for name, rows in found.items()
    }


OPENED = more(
    {table: [] for table in TABLES},
    gateway__users=[{"id": TEAM, "email": "ada@example.com"}],
    gateway__api_keys=[{"id": KEY}],
)
MADE = more(OPENED, gateway__view_models=[{"id": MODEL, "reference": CURATED, "team": TEAM}])
DONE = more(
    MADE,
    gateway__event_log=[
        {"subject": JOB, "type": "jobs.job-changed.v1"},
        {"subject": JOB, "type": "credits.account-changed.v1"},
    ],
    credits__ledger_transactions=[{"id": POSTING, "job_id": JOB}, {"id": KEY, "job_id": None}],
)
ORIGINAL = Original.between(OPENED, MADE, DONE, [CURATED])


def test_an_id_belongs_to_what_it_came_with_and_what_all_share_to_nobody():
    assert set(ORIGINAL.team_ids) == {TEAM, KEY}
    assert ORIGINAL.model_ids == [MODEL]
    assert set(ORIGINAL.job_ids) == {JOB, POSTING}


def test_rows_of_the_job_are_told_from_those_of_its_team():
    assert [json.loads(row)["id"] for row in ORIGINAL.of_job("credits.ledger_transactions")] == [POSTING]
    assert [json.loads(row)["id"] for row in ORIGINAL.of_team("credits.ledger_transactions")] == [KEY]


def test_of_the_log_only_the_jobs_own_documents_are_copied():
    assert [json.loads(row)["type"] for row in ORIGINAL.of_job("gateway.event_log")] == [
        "jobs.job-changed.v1"
    ]


def test_the_address_of_its_user_is_known():
    assert ORIGINAL.email == "ada"
