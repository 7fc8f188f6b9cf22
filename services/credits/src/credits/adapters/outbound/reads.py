"""The statements that open the books, each one for a whole batch."""

from chassis.lifting import floor_in
from chassis.statement import text

# A backup may have forgotten an account that others know: a new one begins where versions were lifted to.
OPEN_ACCOUNTS = text(f"""
    insert into credits.accounts (team_id, version, lifted)
    select team_id, floor, floor
    from unnest(cast(:teams as uuid[])) as team_id cross join {floor_in("credits")} as lifts (floor)
    order by team_id on conflict do nothing
""")  # noqa: S608 - a name of ours

# Everybody takes the accounts in the same order, so that two batches cannot wait for each other.
# NO KEY: what only refers to an account does not wait.
LOCK_ACCOUNTS = text("""
    select team_id, version, issued, spendable, reserved, spent, expired, clawed_back, uncollected,
        frozen, disputes, period_start, next_replenishment_at, alert_below
    from credits.accounts where team_id = any(cast(:teams as uuid[]))
    order by team_id for no key update
""")

_BUCKETS = """
    select id, team_id, kind, source_ref, granted, remaining, held, expires_at, period_start,
        opened_at, closed_at, close_reason, expired, demanded, owed, added
    from credits.buckets
"""

# An empty bucket that never expires is done with; one that does is still to be closed.
BUCKETS = text(f"""{_BUCKETS} where team_id = any(cast(:teams as uuid[]))
        and (held > 0 or (closed_at is null and (remaining > 0 or expires_at is not null)))
""")

GRANTED_BUCKETS = text(_BUCKETS + "where source_ref = any(cast(:ids as text[]))")

_SPENT = (
    "where id in (select bucket_id from credits.hold_allocations where hold_id = any(cast(:ids as uuid[])))"
)
SPENT_BUCKETS = text(_BUCKETS + _SPENT)

CLAIMS = text("""
    select source_ref, team_id, grant_ref, share, state, heard_at, demanded from credits.claims
    where source_ref = any(cast(:refs as text[])) or grant_ref = any(cast(:grants as text[]))
""")

REQUESTS = text("""
    select id, team_id, fingerprint, code, required, spendable, asked_by, decided_at
    from credits.requests where id = any(cast(:ids as uuid[]))
""")

HOLDS = text("""
    select id, team_id, request_id, operation, quantity, unit_price, price_version, key_id, key_start,
        status, captured, released, uncollected, refunded, reason, entry_ids, created_at, expires_at,
        settled_at, settled_by, allocated.bucket_ids, allocated.amounts
    from credits.holds cross join lateral (
        select array_agg(bucket_id order by position) as bucket_ids,
            array_agg(amount order by position) as amounts
        from credits.hold_allocations where hold_id = holds.id
    ) as allocated
    where id = any(cast(:ids as uuid[]))
""")

GRANTS = text("""
    select source_ref, team_id, fingerprint, superseded, granted_at
    from credits.grants where source_ref = any(cast(:ids as text[]))
""")

KEY_SPEND = text("""
    select key_id, start, amount from credits.key_spend
    join unnest(cast(:ids as uuid[]), cast(:starts as timestamptz[])) as wanted (key_id, start)
        using (key_id, start)
""")

QUOTES = text("""
    select id, team_id, items, price_version, asked_by, quoted_at, expires_at, used_by
    from credits.quotes where id = any(cast(:ids as uuid[]))
""")

DUE_HOLDS = text("""
    select team_id, id from credits.holds where status = 'held' and expires_at <= :now
    order by expires_at limit :limit
""")

DUE_TEAMS = text("""
    select distinct team_id from (
        select team_id from credits.buckets where closed_at is null and expires_at <= :now
        order by expires_at limit :limit
    ) as due
""")

WATCH = text("""
    update credits.accounts set alert_below = :below, billing_version = :version
    where team_id = :team_id and billing_version < :version
    returning team_id
""")
