"""The saga's first schema."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = """
create table jobs.dispatcher (
    id SMALLINT NOT NULL,
    failures INTEGER NOT NULL,
    open_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_dispatcher PRIMARY KEY (id),
    CONSTRAINT ck_dispatcher_there_is_one
        CHECK (id = 1)
);

create table jobs.jobs (
    id UUID NOT NULL,
    team_id UUID NOT NULL,
    operation TEXT NOT NULL,
    state TEXT NOT NULL,
    step SMALLINT NOT NULL,
    steps SMALLINT NOT NULL,
    priority INTEGER NOT NULL,
    training_of UUID,
    code TEXT,
    position INTEGER,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    not_before TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE,
    poll_at TIMESTAMP WITH TIME ZONE,
    lease_until TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    data JSONB NOT NULL,
    CONSTRAINT pk_jobs PRIMARY KEY (id),
    CONSTRAINT ck_jobs_state_is_known
        CHECK (state in ('queued', 'submitting', 'running', 'storing', 'settling',
            'completed', 'failed', 'cancelled', 'expired')),
    CONSTRAINT ck_jobs_step_exists
        CHECK (step between 1 and steps),
    CONSTRAINT ck_jobs_open_job_has_a_deadline
        CHECK ((state in ('completed', 'failed', 'cancelled', 'expired')) = (due_at is null)),
    CONSTRAINT ck_jobs_ended_job_has_its_receipt
        CHECK (not (state in ('completed', 'failed', 'cancelled', 'expired'))
            or jsonb_typeof(data -> 'receipt') = 'object')
);

create index ix_jobs_due_at ON jobs.jobs (due_at)
        WHERE due_at is not null;

create index ix_jobs_expires_at ON jobs.jobs (expires_at)
        WHERE state = 'completed';

create index ix_jobs_poll_at ON jobs.jobs (poll_at)
        WHERE poll_at is not null;

create index ix_jobs_queued ON jobs.jobs (team_id, priority desc, created_at, id)
        WHERE state = 'queued';

create index ix_jobs_storing ON jobs.jobs (lease_until)
        WHERE state = 'storing';

create index ix_jobs_working ON jobs.jobs (team_id, state, step, steps)
        WHERE state in ('submitting', 'running', 'storing');

create unique index uq_jobs_training_of ON jobs.jobs (training_of);

create table jobs.model_versions (
    model_id UUID NOT NULL,
    number INTEGER NOT NULL,
    job_id UUID NOT NULL,
    CONSTRAINT pk_model_versions PRIMARY KEY (model_id, number)
);

create table jobs.models (
    id UUID NOT NULL,
    team_id UUID NOT NULL,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    active_version INTEGER,
    CONSTRAINT pk_models PRIMARY KEY (id)
);

create table jobs.outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    exchange TEXT NOT NULL,
    routing_key TEXT NOT NULL,
    message_id UUID NOT NULL,
    correlation_id UUID NOT NULL,
    type TEXT NOT NULL,
    headers JSONB NOT NULL,
    payload BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    next_attempt_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    last_error TEXT,
    CONSTRAINT pk_outbox PRIMARY KEY (id)
);

create table jobs.plans (
    team_id UUID NOT NULL,
    version INTEGER NOT NULL,
    running INTEGER NOT NULL,
    CONSTRAINT pk_plans PRIMARY KEY (team_id)
);

create table jobs.reference_models (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    prompt_recipe TEXT NOT NULL,
    negative_prompt TEXT NOT NULL,
    CONSTRAINT pk_reference_models PRIMARY KEY (id)
);

create table jobs.tombstones (
    message_id UUID NOT NULL,
    job_id UUID NOT NULL,
    correlation_id UUID NOT NULL,
    traceparent TEXT,
    cancel JSONB NOT NULL,
    noted_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_tombstones PRIMARY KEY (message_id)
);

create index ix_jobs_tombstones_job_id ON jobs.tombstones (job_id);

create table jobs.weights (
    job_id UUID NOT NULL,
    team_id UUID NOT NULL,
    model_id UUID NOT NULL,
    key TEXT NOT NULL,
    provider_url TEXT NOT NULL,
    config_url TEXT,
    stored_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_weights PRIMARY KEY (job_id)
);

create table jobs.attempts (
    id UUID NOT NULL,
    job_id UUID NOT NULL,
    step SMALLINT NOT NULL,
    n SMALLINT NOT NULL,
    state TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    request_id TEXT,
    response_url TEXT,
    status_url TEXT,
    cancel_url TEXT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_attempts PRIMARY KEY (id),
    CONSTRAINT uq_attempts_job_id_step_n UNIQUE (job_id, step, n),
    CONSTRAINT ck_attempts_state_is_known
        CHECK (state in ('started', 'in_doubt', 'accepted', 'not_accepted', 'failed', 'succeeded',
            'unwanted', 'wasted')),
    CONSTRAINT fk_attempts_job_id_jobs FOREIGN KEY(job_id) REFERENCES jobs.jobs (id)
);

insert into jobs.dispatcher (id, failures) values (1, 0)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    tables = (
        "attempts",
        "jobs",
        "outbox",
        "dispatcher",
        "tombstones",
        "plans",
        "reference_models",
        "models",
        "model_versions",
        "weights",
    )
    for table in tables:
        op.execute(f"drop table jobs.{table}")
