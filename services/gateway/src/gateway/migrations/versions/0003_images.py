"""Images a line each, exports, and when jobs were made."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = """
alter table gateway.view_jobs add column created_at timestamptz;

update gateway.view_jobs set created_at = (document ->> 'created_at')::timestamptz;

alter table gateway.view_jobs alter column created_at set not null;

create table gateway.view_images (
    job_id uuid not null,
    n integer not null,
    team_id uuid not null,
    model_id uuid,
    pinned boolean not null,
    expires_at timestamptz,
    document jsonb not null,
    constraint pk_view_images primary key (job_id, n)
);

create index ix_view_images_team_id_job_id_n on gateway.view_images (team_id, job_id, n);

create index ix_view_images_model_id_job_id_n on gateway.view_images (model_id, job_id, n);

create index ix_view_images_pinned on gateway.view_images (team_id, job_id, n) where pinned;

create index ix_view_images_team_id_expires_at on gateway.view_images (team_id, expires_at);

create table gateway.view_exports (
    id uuid not null,
    team_id uuid not null,
    status text not null,
    version bigint not null,
    document jsonb not null,
    constraint pk_view_exports primary key (id)
);

create index ix_view_exports_team_id_id on gateway.view_exports (team_id, id)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n\n"):
        op.execute(statement)
