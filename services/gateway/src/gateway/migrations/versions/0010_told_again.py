"""Lines of history remember the version of their account that they were last told in."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("alter table gateway.view_credit_entries add column told_in bigint")
