"""Several teams for each person, sessions that can be listed, invitations, letters, and who did what."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = """
alter table gateway.users add column email_verified_at timestamptz, add column deleted_at timestamptz;

update gateway.users set email_verified_at = created_at;

alter table gateway.teams add column closed_at timestamptz, add column look_at timestamptz,
    add constraint ck_teams_looked_at_when_closed check (look_at is null or closed_at is not null);

create index ix_teams_look_at on gateway.teams (look_at) where look_at is not null;

alter table gateway.memberships add column used_at timestamptz;

delete from gateway.sessions;

alter table gateway.sessions add column id uuid not null, add column last_seen_at timestamptz not null,
    add column address text not null, add column agent text not null,
    add constraint uq_sessions_id unique (id);

create index ix_gateway_sessions_team_id on gateway.sessions (team_id);

alter table gateway.api_keys add constraint ck_api_keys_scopes_known
    check (scopes <@ array['read', 'generate', 'models', 'billing', 'admin']);

create table gateway.invitations (
    id uuid not null,
    team_id uuid not null,
    email text not null,
    role text not null,
    token_hash bytea not null,
    invited_by uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint pk_invitations primary key (id),
    constraint uq_invitations_token_hash unique (token_hash),
    constraint uq_invitations_team_id_email unique (team_id, email),
    constraint fk_invitations_team_id_teams foreign key(team_id) references gateway.teams (id),
    constraint fk_invitations_invited_by_users foreign key(invited_by) references gateway.users (id),
    constraint ck_invitations_email_lower check (email = lower(email)),
    constraint ck_invitations_role_known check (role in ('owner', 'admin', 'member'))
);

create table gateway.proofs (
    token_hash bytea not null,
    purpose text not null,
    user_id uuid not null,
    email text not null,
    expires_at timestamptz not null,
    constraint pk_proofs primary key (token_hash),
    constraint uq_proofs_user_id_purpose unique (user_id, purpose),
    constraint fk_proofs_user_id_users foreign key(user_id) references gateway.users (id),
    constraint ck_proofs_purpose_known check (purpose in ('verify', 'reset'))
);

create table gateway.activity (
    id uuid not null,
    team_id uuid not null,
    user_id uuid,
    key_id uuid,
    act text not null,
    subject text not null,
    detail text not null,
    address text not null,
    at timestamptz not null,
    constraint pk_activity primary key (id)
);

create index ix_activity_team_id_id on gateway.activity (team_id, id);

create index ix_gateway_activity_user_id on gateway.activity (user_id);

create index ix_activity_at on gateway.activity (at);

create table gateway.letters (
    id uuid not null,
    recipient text not null,
    subject text not null,
    body text not null,
    html text not null,
    created_at timestamptz not null,
    attempts integer default 0 not null,
    next_attempt_at timestamptz,
    parked_at timestamptz,
    last_error text default '' not null,
    constraint pk_letters primary key (id),
    constraint ck_letters_due_or_parked check ((next_attempt_at is null) = (parked_at is not null))
);

create index ix_letters_next_attempt_at on gateway.letters (next_attempt_at) where next_attempt_at is not null
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n\n"):
        op.execute(statement)
