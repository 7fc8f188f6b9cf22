"""Tell credits added to a period from its own, and keep below what a team wants to hear that it runs low."""

from alembic import op

revision = "0002"
down_revision = "0001"

ADDED = "alter table credits.buckets add column added boolean not null default false"
ALERTS = """
alter table credits.accounts
    add column alert_below bigint not null default 0
        constraint ck_accounts_alert_below_is_not_negative check (alert_below >= 0),
    add column billing_version bigint not null default 0
"""


def upgrade() -> None:
    op.execute(ADDED)
    op.execute(ALERTS)
