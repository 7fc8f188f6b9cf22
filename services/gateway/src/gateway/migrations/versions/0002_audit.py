"""What the audit of jobs and accounts found, and how far it has looked."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = """
create table gateway.audit_head (
    one boolean default true not null,
    looked_at timestamptz not null,
    constraint pk_audit_head primary key (one),
    constraint ck_audit_head_one_row check (one)
);

create table gateway.balanced (
    team_id uuid not null,
    version bigint not null,
    spendable bigint not null,
    reserved bigint not null,
    constraint pk_balanced primary key (team_id)
);

create table gateway.findings (
    kind text not null,
    subject uuid not null,
    team_id uuid not null,
    job_id uuid,
    what text not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    counts_since timestamptz,
    healed_at timestamptz,
    resolved_at timestamptz,
    constraint pk_findings primary key (kind, subject)
);

create index ix_findings_standing on gateway.findings (first_seen_at) where resolved_at is null;

insert into gateway.audit_head (looked_at) values ('1970-01-01T00:00:00Z')
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n\n"):
        op.execute(statement)
