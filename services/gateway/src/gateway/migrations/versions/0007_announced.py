"""What is shown because it was announced, while its fact may still be on its way."""

from alembic import op

revision = "0007"
down_revision = "0006"

VIEWS = ("jobs", "models", "reference_models", "accounts", "plans", "billing", "offers", "exports")


def upgrade() -> None:
    for view in VIEWS:
        op.execute(f"alter table gateway.view_{view} add column announced boolean not null default false")
