"""Remember since when pictures of reference models are kept, to forget those that are shown no more."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("alter table gateway.previews add column recorded_at timestamptz not null default now()")
