"""Versions may be lifted above all that others have seen; when, to what, and why is kept."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        create table billing.lifts (
            floor integer not null,
            at timestamptz not null,
            reason text not null,
            by text not null,
            lifted bigint,
            constraint pk_lifts primary key (floor)
        )
    """)
