"""What is forgotten of a closed team is found by its team."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = """
create index ix_models_team_id on jobs.models (team_id);

create index ix_weights_team_id on jobs.weights (team_id)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n\n"):
        op.execute(statement)
