"""Migrations only expand what the running release knows; what is given up goes a release later.

deploy/releases.json notes the newest revision of each schema when a release is cut. A migration that ends an
expansion names its revision: `contracts = "0004"`. A check that is only widened counts as a new one: the
release before writes less than it allows, so name the revision before it.
"""

import json
from pathlib import Path

import pytest
from e2e.migrations import Migration, breaks, migrations

ROOT = Path(__file__).parent.parent
RELEASES = json.loads((ROOT / "deploy" / "releases.json").read_text())
FOLDERS = sorted((ROOT / "services").glob("*/src/*/migrations"))
BY_SERVICE = {folder.parent.name: migrations(folder) for folder in FOLDERS}
ALL = [migration for found in BY_SERVICE.values() for migration in found]
FIRST = RELEASES[0]["schemas"]
SINCE = [migration for migration in ALL if migration.revision > FIRST[migration.service]]


def is_allowed(migration: Migration, releases: list[dict]) -> bool:
    """Whether a migration may break something: it ends an expansion that has been released."""
    released = {release["schemas"].get(migration.service) for release in releases}
    newest = max((revision for revision in released if revision), default="")
    return bool(migration.contracts) and migration.contracts <= newest < migration.revision


def test_every_service_and_every_revision_of_a_release_is_known():
    for release in RELEASES:
        assert set(release["schemas"]) == set(BY_SERVICE)
        for service, revision in release["schemas"].items():
            assert revision in {migration.revision for migration in BY_SERVICE[service]}


def test_a_migration_breaks_nothing_that_runs():
    for migration in SINCE:
        assert is_allowed(migration, RELEASES) or migration.breaks() == [], migration


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("drop table jobs.old", "drops a table"),
        ("alter table jobs.jobs drop column old", "drops a column"),
        ("ALTER TABLE jobs.jobs\n  ALTER COLUMN n TYPE bigint", "changes a type"),
        ("alter table jobs.jobs alter column n set not null", "demands a value"),
        ("alter table jobs.jobs alter column n drop default", "takes a default away"),
        ("alter table jobs.jobs rename column a to b", "renames"),
        ("alter table jobs.jobs rename to works", "renames"),
        ("alter table jobs.jobs add column a int not null", "adds a column that must be given"),
        (
            "alter table jobs.jobs add column b int, add column a int not null",
            "adds a column that must be given",
        ),
        ("alter table jobs.jobs add constraint ck_x check (n > 0)", "demands what was free"),
        ("create unique index uq_a on jobs.jobs (a)", "demands what is unique"),
        ("truncate jobs.jobs", "empties a table"),
    ],
)
def test_what_would_break_the_release_that_runs_is_seen(sql: str, why: str):
    assert [problem.split(":")[0] for problem in breaks(sql)] == [why]


@pytest.mark.parametrize(
    "sql",
    [
        "create table jobs.new (a int not null); alter table jobs.new add constraint ck check (a > 0)",
        "alter table jobs.jobs add column a int",
        "alter table jobs.jobs add column a int not null default 0",
        "alter table jobs.jobs drop constraint ck_status",
        "create index ix_a on jobs.jobs (a) -- drop table jobs.jobs",
        "update jobs.jobs set a = 'drop table jobs.jobs; rename'",
        "create function jobs.f() returns trigger as $$ begin drop table x; end $$ language plpgsql",
    ],
)
def test_what_only_expands_is_let_pass(sql: str):
    assert breaks(sql) == []


def test_what_is_given_up_goes_a_release_after_what_replaces_it():
    dropping = Migration("jobs", "0005", ("alter table jobs.jobs drop column old",), contracts="0004")
    first = [{"schemas": {"jobs": "0003"}}]
    assert not is_allowed(dropping, first)  # what replaces it has not been released
    assert is_allowed(dropping, [*first, {"schemas": {"jobs": "0004"}}])
    unmarked = Migration("jobs", "0005", dropping.sql, contracts=None)
    assert not is_allowed(unmarked, [*first, {"schemas": {"jobs": "0004"}}])


def test_the_steps_before_the_first_release_are_read_like_any_other():
    before = [migration for migration in ALL if migration.revision <= FIRST[migration.service]]
    assert any("drops a table" in problem for migration in before for problem in migration.breaks())
