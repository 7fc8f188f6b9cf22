"""Accounts, holds and the ledger."""

from alembic import op

revision = "0001"
down_revision = None

ACCOUNTS = """
create table credits.accounts (
    team_id uuid not null,
    version bigint not null default 0,
    issued bigint not null default 0,
    spendable bigint not null default 0,
    reserved bigint not null default 0,
    spent bigint not null default 0,
    expired bigint not null default 0,
    clawed_back bigint not null default 0,
    uncollected bigint not null default 0,
    frozen boolean not null default false,
    disputes integer not null default 0,
    period_start timestamptz,
    next_replenishment_at timestamptz,
    constraint pk_accounts primary key (team_id),
    constraint ck_accounts_nobody_spends_what_they_do_not_have check (spendable >= 0),
    constraint ck_accounts_reserved_is_not_negative check (reserved >= 0),
    constraint ck_accounts_what_is_gone_is_not_negative
        check (spent >= 0 and expired >= 0 and clawed_back >= 0),
    constraint ck_accounts_disputes_are_not_negative check (disputes >= 0),
    constraint ck_accounts_issued_is_the_source check (issued <= 0),
    constraint ck_accounts_uncollected_is_a_receivable check (uncollected <= 0),
    constraint ck_accounts_every_credit_is_accounted_for
        check (issued + spendable + reserved + spent + expired + clawed_back + uncollected = 0)
) with (fillfactor = 50);

create table credits.buckets (
    id uuid not null,
    team_id uuid not null,
    kind text not null,
    source_ref text not null,
    granted bigint not null,
    remaining bigint not null,
    held bigint not null,
    expires_at timestamptz,
    period_start timestamptz,
    opened_at timestamptz not null,
    closed_at timestamptz,
    close_reason text,
    expired bigint not null,
    demanded bigint not null,
    owed bigint not null,
    constraint pk_buckets primary key (id),
    constraint uq_buckets_source_ref unique (source_ref),
    constraint fk_buckets_team_id_accounts foreign key (team_id) references credits.accounts (team_id),
    constraint ck_buckets_kind_is_known check (kind in ('plan', 'bonus', 'topup', 'adjustment')),
    constraint ck_buckets_remaining_is_not_negative check (remaining >= 0),
    constraint ck_buckets_held_is_not_negative check (held >= 0),
    constraint ck_buckets_no_more_than_granted check (remaining + held + expired <= granted),
    constraint ck_buckets_expired_is_not_negative check (expired >= 0),
    constraint ck_buckets_no_more_demanded_than_granted check (demanded between 0 and granted),
    constraint ck_buckets_no_more_owed_than_demanded check (owed between 0 and demanded),
    constraint ck_buckets_closed_means_empty check (closed_at is null or remaining = 0),
    constraint ck_buckets_closed_for_a_reason check ((closed_at is null) = (close_reason is null))
) with (fillfactor = 50);
create index ix_buckets_team_id on credits.buckets (team_id);
create index ix_buckets_due on credits.buckets (expires_at) where closed_at is null;

create table credits.grants (
    source_ref text not null,
    team_id uuid not null,
    fingerprint bytea not null,
    superseded boolean not null,
    granted_at timestamptz not null,
    constraint pk_grants primary key (source_ref),
    constraint fk_grants_team_id_accounts foreign key (team_id) references credits.accounts (team_id)
);

create table credits.claims (
    source_ref text not null,
    team_id uuid not null,
    grant_ref text not null,
    share numeric not null,
    state text not null,
    heard_at timestamptz not null,
    demanded bigint,
    constraint pk_claims primary key (source_ref),
    constraint fk_claims_team_id_accounts foreign key (team_id) references credits.accounts (team_id),
    constraint ck_claims_state_is_known check (state in ('refunded', 'opened', 'won', 'lost')),
    constraint ck_claims_share_is_a_part_of_the_whole check (share > 0 and share <= 1),
    constraint ck_claims_only_what_is_lost_is_demanded
        check (demanded is null or (demanded >= 0 and state in ('refunded', 'lost')))
);
create index ix_claims_grant_ref on credits.claims (grant_ref);
"""

HOLDS = """
create table credits.requests (
    id uuid not null,
    team_id uuid not null,
    fingerprint bytea not null,
    code text,
    required bigint not null,
    spendable bigint not null,
    asked_by uuid not null,
    decided_at timestamptz not null,
    constraint pk_requests primary key (id)
);

create table credits.holds (
    id uuid not null,
    team_id uuid not null,
    request_id uuid,
    operation text,
    quantity bigint not null,
    unit_price bigint not null,
    amount bigint not null,
    price_version integer not null,
    key_id uuid,
    key_start timestamptz,
    status text not null,
    captured bigint not null,
    released bigint not null,
    uncollected bigint not null,
    refunded bigint not null,
    reason text not null,
    entry_ids uuid[] not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    settled_at timestamptz,
    settled_by uuid,
    constraint pk_holds primary key (id),
    constraint fk_holds_team_id_accounts foreign key (team_id) references credits.accounts (team_id),
    constraint ck_holds_status_is_known
        check (status in ('held', 'captured', 'released', 'expired', 'late_captured', 'uncollected')),
    constraint ck_holds_amount_is_quantity_at_unit_price check (amount = quantity * unit_price),
    constraint ck_holds_parts_are_not_negative
        check (quantity >= 0 and unit_price >= 0 and captured >= 0 and released >= 0 and uncollected >= 0),
    constraint ck_holds_no_more_refunded_than_captured check (refunded between 0 and captured),
    constraint ck_holds_settled_in_full check (
        case when status = 'held' then settled_at is null and captured + released + uncollected = 0
        else settled_at is not null and captured + released + uncollected = amount end
    ),
    constraint ck_holds_without_request_is_a_tombstone
        check (request_id is not null or (status = 'released' and quantity = 0)),
    constraint ck_holds_held_has_an_end check (status <> 'held' or expires_at is not null)
) with (fillfactor = 80);
create index ix_holds_due on credits.holds (expires_at) where status = 'held';

create table credits.quotes (
    id uuid not null,
    team_id uuid not null,
    items jsonb not null,
    total bigint not null,
    price_version integer not null,
    asked_by uuid not null,
    quoted_at timestamptz not null,
    expires_at timestamptz not null,
    used_by uuid,
    constraint pk_quotes primary key (id),
    constraint uq_quotes_used_by unique (used_by),
    constraint fk_quotes_team_id_accounts foreign key (team_id) references credits.accounts (team_id),
    constraint ck_quotes_total_is_not_negative check (total >= 0),
    constraint ck_quotes_bind_for_a_while check (expires_at > quoted_at)
);
create index ix_quotes_untaken on credits.quotes (expires_at) where used_by is null;

create table credits.hold_allocations (
    hold_id uuid not null,
    position integer not null,
    bucket_id uuid not null,
    amount bigint not null,
    constraint pk_hold_allocations primary key (hold_id, position),
    constraint fk_hold_allocations_hold_id_holds foreign key (hold_id) references credits.holds (id),
    constraint fk_hold_allocations_bucket_id_buckets foreign key (bucket_id) references credits.buckets (id),
    constraint ck_hold_allocations_amount_is_positive check (amount > 0)
);

create table credits.key_spend (
    key_id uuid not null,
    start timestamptz not null,
    amount bigint not null,
    constraint pk_key_spend primary key (key_id, start)
);
"""

LEDGER = """
create table credits.ledger_transactions (
    id uuid not null,
    team_id uuid not null,
    version bigint not null,
    n integer not null,
    kind text not null,
    amount bigint not null,
    charged bigint not null,
    balance_after bigint not null,
    job_id uuid,
    operation text,
    reason text not null,
    at timestamptz not null,
    operator text,
    key text,
    constraint pk_ledger_transactions primary key (id),
    constraint uq_ledger_transactions_team_id_version_n unique (team_id, version, n),
    constraint fk_ledger_transactions_team_id_accounts
        foreign key (team_id) references credits.accounts (team_id),
    constraint ck_ledger_transactions_kind_is_known check (kind in (
        'reserve', 'deduct', 'refund', 'replenish', 'bonus', 'top_up', 'adjustment', 'expire', 'claw_back'
    )),
    constraint ck_ledger_transactions_balance_is_not_negative check (balance_after >= 0)
);
create unique index uq_ledger_transactions_key on credits.ledger_transactions (key) where key is not null;

create table credits.ledger_entries (
    transaction_id uuid not null,
    line integer not null,
    side text not null,
    amount bigint not null,
    bucket_id uuid,
    balance_after bigint not null,
    constraint pk_ledger_entries primary key (transaction_id, line),
    constraint fk_ledger_entries_transaction_id_ledger_transactions
        foreign key (transaction_id) references credits.ledger_transactions (id),
    constraint ck_ledger_entries_side_is_known check (side in (
        'issued', 'spendable', 'reserved', 'spent', 'expired', 'clawed_back', 'uncollected'
    )),
    constraint ck_ledger_entries_amount_is_not_zero check (amount <> 0),
    constraint ck_ledger_entries_balance_is_on_its_side_of_zero check (
        case when side in ('issued', 'uncollected') then balance_after <= 0 else balance_after >= 0 end
    )
);
"""

# A constraint trigger runs once a row; this one runs once a statement and is just as strict: if what each
# statement adds sums to zero, every transaction does.
GUARDS = """
create function credits.refuse_unbalanced() returns trigger language plpgsql as $$
declare unbalanced uuid;
begin
    select transaction_id into unbalanced from added group by transaction_id having sum(amount) <> 0 limit 1;
    if found then
        raise exception 'ledger transaction % does not sum to zero', unbalanced using errcode = '23514';
    end if;
    return null;
end $$;
create trigger every_transaction_sums_to_zero after insert on credits.ledger_entries
    referencing new table as added for each statement execute function credits.refuse_unbalanced();

create function credits.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = '23001';
end $$;
create trigger append_only before update or delete or truncate on credits.ledger_entries
    for each statement execute function credits.refuse_change();
create trigger append_only before update or delete or truncate on credits.ledger_transactions
    for each statement execute function credits.refuse_change();
"""

PRICES = """
create table credits.price_lists (
    version integer not null,
    effective_at timestamptz not null,
    announced_at timestamptz,
    constraint pk_price_lists primary key (version)
);
create table credits.prices (
    version integer not null,
    operation text not null,
    base bigint not null,
    qualities jsonb not null,
    sizes jsonb not null,
    constraint pk_prices primary key (version, operation),
    constraint fk_prices_version_price_lists foreign key (version) references credits.price_lists (version),
    constraint ck_prices_base_is_not_negative check (base >= 0)
);
insert into credits.price_lists (version, effective_at) values (1, '2026-01-01T00:00:00Z');
insert into credits.prices (version, operation, base, qualities, sizes) values
    (1, 'create_model', 100, '{}', '[]'),
    (1, 'refine_model', 50, '{}', '[]'),
    (1, 'generate_images', 2, '{"draft": "0.5", "standard": "1", "high": "2"}',
        '[{"pixels": 1048576, "multiplier": "1"}, {"pixels": 2097152, "multiplier": "2"},
          {"pixels": 4194304, "multiplier": "4"}]');
"""

OUTBOX = """
create table credits.outbox (
    id bigint generated always as identity,
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
    last_error text,
    constraint pk_outbox primary key (id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
"""


def upgrade() -> None:
    for statements in (ACCOUNTS, HOLDS, LEDGER, GUARDS, PRICES, OUTBOX):
        for statement in _split(statements):
            op.execute(statement)


def _split(statements: str) -> list[str]:
    """One statement each, as the driver wants them; what stands between $$ belongs together."""
    parts = statements.split("$$")
    outside = [part.replace(";", "\0") if index % 2 == 0 else part for index, part in enumerate(parts)]
    return [statement for statement in "$$".join(outside).split("\0") if statement.strip()]
