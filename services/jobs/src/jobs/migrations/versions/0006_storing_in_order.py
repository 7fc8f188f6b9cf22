"""Results that wait to be stored are found in the order of their turn, however many wait."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = """
drop index jobs.ix_jobs_storing;

create index ix_jobs_storing on jobs.jobs (lease_until nulls first, due_at) where state = 'storing'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n\n"):
        op.execute(statement)
