"""Refunds may fail."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATES = """
alter table billing.claims drop constraint ck_claims_state_is_known,
    add constraint ck_claims_state_is_known
        check (state in ('refunded', 'failed', 'opened', 'won', 'lost'))
"""


def upgrade() -> None:
    op.execute(STATES)
