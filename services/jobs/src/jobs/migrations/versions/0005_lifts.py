"""Versions may be lifted above all that others have seen; when, to what, and why is kept."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("""
        create table jobs.lifts (
            floor integer not null,
            at timestamptz not null,
            reason text not null,
            by text not null,
            lifted bigint,
            constraint pk_lifts primary key (floor)
        )
    """)
