"""Teams that are closed, so that what is heard of them later does not bring their models back."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = """
create table catalog.closed_teams (
    team_id uuid not null,
    closed_at timestamptz not null,
    constraint pk_closed_teams primary key (team_id)
);

create index ix_models_team_id on catalog.models (team_id)
"""


def upgrade() -> None:
    """Remember closed teams."""
    for statement in STATEMENTS.split(";\n\n"):
        op.execute(statement)
