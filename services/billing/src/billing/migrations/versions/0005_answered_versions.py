"""Remember which version of a team's account a pack was bought for."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("alter table billing.purchases add column account_version integer not null default 0")
