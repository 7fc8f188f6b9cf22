"""Views of what teams pay for and of what is on offer."""

from alembic import op

revision = "0005"
down_revision = "0004"

BILLING = """
create table gateway.view_billing (
    team_id uuid not null,
    version bigint not null,
    document jsonb not null,
    constraint pk_view_billing primary key (team_id)
)
"""
OFFERS = """
create table gateway.view_offers (
    name text not null,
    version bigint not null,
    document jsonb not null,
    constraint pk_view_offers primary key (name)
)
"""


def upgrade() -> None:
    op.execute(BILLING)
    op.execute(OFFERS)
