"""Pictures stay known when the collection no longer has them, so that they can be announced."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Keep the pictures of reference models, retired ones too."""
    op.execute("""
        create table catalog.pictures (
            sha256 text not null,
            content_type text not null,
            data bytea not null,
            constraint pk_pictures primary key (sha256)
        )
    """)
