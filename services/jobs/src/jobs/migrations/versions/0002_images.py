"""Images kept, deleted, pinned and exported."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = """
alter table jobs.jobs add column warn_at timestamptz;

create index ix_jobs_warn_at on jobs.jobs (warn_at) where state = 'completed';

alter table jobs.plans add column pin boolean default false not null;

create table jobs.discards (
    key text not null,
    lease_until timestamptz default '-infinity' not null,
    constraint pk_discards primary key (key)
);

create index ix_discards_lease_until on jobs.discards (lease_until);

create table jobs.moves (
    request_id uuid not null,
    team_id uuid not null,
    job_id uuid not null,
    numbers integer[] not null,
    pinned boolean not null,
    correlation_id uuid not null,
    message_id uuid,
    traceparent text,
    noted_at timestamptz default clock_timestamp() not null,
    lease_until timestamptz default '-infinity' not null,
    constraint pk_moves primary key (request_id),
    constraint ck_moves_something_moves check (cardinality(numbers) > 0),
    constraint fk_moves_job_id_jobs foreign key (job_id) references jobs.jobs (id)
);

create index ix_moves_lease_until on jobs.moves (lease_until, noted_at);

create table jobs.exports (
    id uuid not null,
    team_id uuid not null,
    status text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    lease_until timestamptz default '-infinity' not null,
    data jsonb not null,
    constraint pk_exports primary key (id),
    constraint ck_exports_status_is_known check (status in ('processing', 'completed', 'failed', 'expired')),
    constraint ck_exports_offered_for_a_while check (status <> 'completed' or expires_at is not null)
);

create index ix_exports_team_id_created_at on jobs.exports (team_id, created_at);

create index ix_exports_processing on jobs.exports (lease_until, created_at) where status = 'processing';

create index ix_exports_expires_at on jobs.exports (expires_at) where status = 'completed'
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n\n"):
        op.execute(statement)
