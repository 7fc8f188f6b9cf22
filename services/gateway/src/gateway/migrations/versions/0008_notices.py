"""What members want letters about."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("""
        alter table gateway.memberships add column notices text[] not null default '{}',
            add constraint ck_memberships_notices_known check (notices <@ array['low_balance'])
    """)
