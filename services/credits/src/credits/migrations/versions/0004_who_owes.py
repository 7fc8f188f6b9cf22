"""What is owed is counted from those who owe."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("create index ix_accounts_owing on credits.accounts (uncollected) where uncollected < 0")
