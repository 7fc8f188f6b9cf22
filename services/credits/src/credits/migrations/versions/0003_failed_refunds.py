"""Know of a refund that it failed: what it took has been given back."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATES = """
alter table credits.claims drop constraint ck_claims_state_is_known,
    add constraint ck_claims_state_is_known
        check (state in ('refunded', 'failed', 'opened', 'won', 'lost'))
"""


def upgrade() -> None:
    op.execute(STATES)
