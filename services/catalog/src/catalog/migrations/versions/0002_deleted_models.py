"""A model can be deleted: it stays known, so that what is heard of it later does not bring it back."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Allow the status."""
    op.execute("alter table catalog.models drop constraint ck_models_status_is_known")
    op.execute(
        "alter table catalog.models add constraint ck_models_status_is_known"
        " check (status in ('pending', 'training', 'ready', 'failed', 'deleted'))"
    )
