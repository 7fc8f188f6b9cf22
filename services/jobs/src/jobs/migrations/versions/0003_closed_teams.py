"""Teams that are closed, until nothing of them can come any more."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = """
create table jobs.closed_teams (
    team_id uuid not null,
    closed_at timestamptz not null,
    look_at timestamptz,
    constraint pk_closed_teams primary key (team_id)
);

create index ix_closed_teams_look_at on jobs.closed_teams (look_at) where look_at is not null;

create index ix_jobs_team_id on jobs.jobs (team_id)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n\n"):
        op.execute(statement)
