"""The collection, the custom models with their trainings, and the counted uses."""

from alembic import op

revision = "0001"
down_revision = None

OUTBOX = """
create table catalog.outbox (
    id bigint generated always as identity constraint pk_outbox primary key,
    exchange text not null,
    routing_key text not null,
    message_id uuid not null,
    correlation_id uuid not null,
    type text not null,
    headers jsonb not null,
    payload bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    next_attempt_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    last_error text
)
"""

REFERENCE_MODELS = """
create table catalog.reference_models (
    id uuid constraint pk_reference_models primary key,
    version integer not null constraint ck_reference_models_version_is_positive check (version > 0),
    slug text not null constraint uq_reference_models_slug unique,
    name text not null,
    category text not null constraint ck_reference_models_category_is_known
        check (category in ('fashion', 'fitness', 'beauty', 'lifestyle', 'business')),
    description text not null,
    tags text[] not null,
    prompt_recipe text not null,
    negative_prompt text not null,
    preview text not null,
    created_at timestamptz not null,
    retired boolean not null,
    uses integer not null,
    uses_told integer not null,
    told_at timestamptz not null,
    constraint ck_reference_models_uses_only_grow check (uses >= uses_told)
)
"""

USES = """
create table catalog.uses (
    job_id uuid constraint pk_uses primary key,
    reference_model_id uuid not null
        constraint fk_uses_reference_model_id_reference_models references catalog.reference_models
)
"""

TRAININGS = """
create table catalog.trainings (
    job_id uuid constraint pk_trainings primary key,
    model_id uuid not null,
    operation text not null
        constraint ck_trainings_operation_trains check (operation in ('create_model', 'refine_model')),
    instructions text not null,
    seen integer not null,
    started boolean not null,
    progress integer not null
        constraint ck_trainings_progress_is_a_percentage check (progress between 0 and 100),
    code text,
    failure text not null,
    finished_at timestamptz,
    number integer constraint ck_trainings_numbers_start_at_one check (number > 0),
    samples text[] not null default '{}',
    constraint uq_trainings_model_id_number unique (model_id, number),
    constraint ck_trainings_only_trained_has_number
        check ((number is not null) = (finished_at is not null and failure = ''))
)
"""

MODELS = """
create table catalog.models (
    id uuid constraint pk_models primary key,
    team_id uuid not null,
    user_id uuid,
    name text not null,
    description text not null,
    reference_model_id uuid,
    category text constraint ck_models_category_is_known
        check (category in ('fashion', 'fitness', 'beauty', 'lifestyle', 'business')),
    status text not null
        constraint ck_models_status_is_known check (status in ('pending', 'training', 'ready', 'failed')),
    version integer not null constraint ck_models_version_is_positive check (version > 0),
    active_version integer,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint fk_models_id_active_version_trainings
        foreign key (id, active_version) references catalog.trainings (model_id, number),
    constraint ck_models_ready_has_active_version
        check ((status = 'ready') = (active_version is not null))
)
"""


def upgrade() -> None:
    for statement in (OUTBOX, REFERENCE_MODELS, USES, TRAININGS, MODELS):
        op.execute(statement)
