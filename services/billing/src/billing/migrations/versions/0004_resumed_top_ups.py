"""Remember when packs are bought by themselves again."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("alter table billing.top_ups add column resumes_at timestamptz")
