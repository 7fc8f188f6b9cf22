"""The audit: every promise of the ledger as one query that looks for what breaks it."""

from dataclasses import dataclass
from typing import Any

from chassis.database import Database
from credits.application.ports import Check

LONGEST = 3600.0
"""Seconds a single check may take."""

# Each query returns one row: how many rows were examined, and what was found, in words.
CHECKS = {
    "every transaction sums to zero": """
        select count(*), array_agg(format('transaction %s sums to %s', transaction_id, total))
            filter (where total <> 0)
        from (select transaction_id, sum(amount) as total from credits.ledger_entries group by 1) as t
    """,
    "balances are the sum of their entries": """
        select count(*), array_agg(format('team %s: %s is %s, its entries sum to %s',
            team_id, side, balance, total))
            filter (where balance <> total)
        from (
            select a.team_id, s.side, s.balance, coalesce(e.total, 0) as total
            from credits.accounts a
            cross join lateral (values
                ('issued', a.issued), ('spendable', a.spendable), ('reserved', a.reserved),
                ('spent', a.spent), ('expired', a.expired), ('clawed_back', a.clawed_back),
                ('uncollected', a.uncollected)
            ) as s (side, balance)
            left join (
                select team_id, side, sum(e.amount) as total from credits.ledger_entries e
                join credits.ledger_transactions t on t.id = e.transaction_id group by 1, 2
            ) as e on e.team_id = a.team_id and e.side = s.side
        ) as compared
    """,
    "each entry leaves the balance it says": """
        select count(*), array_agg(format('transaction %s, line %s: %s after it, not %s',
            transaction_id, line, running, balance_after)) filter (where running <> balance_after)
        from (
            select transaction_id, line, e.balance_after, sum(e.amount) over (
                partition by team_id, side order by version, n, line
            ) as running
            from credits.ledger_entries e join credits.ledger_transactions t on t.id = e.transaction_id
        ) as chain
    """,
    "the history tells what the entries say": """
        select count(*), array_agg(format(
            'transaction %s tells of %s, charged %s, %s after it; by entries %s, %s, %s',
            id, amount, charged, balance_after, changed, spent, running))
            filter (where (amount, charged, balance_after) <> (changed, spent, running))
        from (
            select t.id, t.amount, t.charged, t.balance_after, e.changed, e.spent,
                sum(e.changed) over (partition by t.team_id order by t.version, t.n) as running
            from credits.ledger_transactions t cross join lateral (
                select coalesce(sum(amount) filter (where side = 'spendable'), 0) as changed,
                    coalesce(sum(amount) filter (
                        where side = 'spent' or (side = 'uncollected' and t.kind = 'deduct')
                    ), 0) as spent
                from credits.ledger_entries where transaction_id = t.id
            ) as e
        ) as t
    """,
    "what was issued is all somewhere": """
        select count(*), array_agg(format('team %s: issued %s, found %s', team_id, -issued, found))
            filter (where found <> -issued)
        from (
            select team_id, issued,
                spendable + reserved + spent + expired + clawed_back + uncollected as found
            from credits.accounts
        ) as a
    """,
    "reserved is the sum of open holds": """
        select count(*), array_agg(format('team %s: reserved %s, open holds %s', team_id, reserved, held))
            filter (where reserved <> held)
        from (
            select a.team_id, a.reserved, coalesce(sum(h.amount), 0) as held from credits.accounts a
            left join credits.holds h on h.team_id = a.team_id and h.status = 'held' group by a.team_id
        ) as a
    """,
    "spent is what holds captured": """
        select count(*), array_agg(format('team %s: spent %s, captured and kept %s, delivered unpaid %s',
            team_id, spent, captured, unpaid))
            filter (where spent <> captured + unpaid)
        from (
            select a.team_id, a.spent, coalesce(sum(h.captured - h.refunded), 0) as captured,
                coalesce(sum(h.uncollected), 0) as unpaid
            from credits.accounts a left join credits.holds h on h.team_id = a.team_id group by a.team_id
        ) as a
    """,
    "nothing is owed but what was delivered or paid back": """
        select count(*), array_agg(format('team %s owes %s; unpaid %s, taken back from what was spent %s',
            team_id, -uncollected, unpaid, owed)) filter (where -uncollected > unpaid + owed)
        from (
            select a.team_id, a.uncollected, coalesce(h.unpaid, 0) as unpaid, coalesce(b.owed, 0) as owed
            from credits.accounts a
            left join (select team_id, sum(uncollected) as unpaid from credits.holds group by 1) as h
                on h.team_id = a.team_id
            left join (select team_id, sum(owed) as owed from credits.buckets group by 1) as b
                on b.team_id = a.team_id
        ) as a
    """,
    "refunded payments took back what they demanded": """
        select count(*), array_agg(format(
            'team %s: clawed back %s, claims demanded %s, open disputes %s of %s',
            team_id, clawed_back, demanded, disputes, opened))
            filter (where clawed_back <> demanded or disputes <> opened)
        from (
            select a.team_id, a.clawed_back, a.disputes, coalesce(sum(c.demanded), 0) as demanded,
                count(c.source_ref) filter (where c.state = 'opened') as opened
            from credits.accounts a left join credits.claims c on c.team_id = a.team_id group by a.team_id
        ) as a
    """,
    "accounts are the sum of their buckets": """
        select count(*), array_agg(format('team %s: spendable %s in buckets %s, reserved %s in buckets %s',
            team_id, spendable, remaining, reserved, held))
            filter (where spendable <> remaining or reserved <> held)
        from (
            select a.team_id, a.spendable, a.reserved, coalesce(sum(b.remaining), 0) as remaining,
                coalesce(sum(b.held), 0) as held
            from credits.accounts a left join credits.buckets b on b.team_id = a.team_id group by a.team_id
        ) as a
    """,
    "buckets are the sum of their entries": """
        select count(*), array_agg(format(
            'bucket %s: granted %s, remaining %s, held %s, expired %s, demanded %s; by entries'
            ' %s, %s, %s, %s, %s',
            id, granted, remaining, held, expired, demanded,
            issued, spendable, reserved, lapsed, clawed_back))
            filter (where (granted, remaining, held, expired, demanded)
                <> (issued, spendable, reserved, lapsed, clawed_back))
        from (
            select b.id, b.granted, b.remaining, b.held, b.expired, b.demanded,
                coalesce(sum(e.amount) filter (where e.side = 'expired'), 0) as lapsed,
                coalesce(sum(e.amount) filter (where e.side = 'clawed_back'), 0) as clawed_back,
                coalesce(-sum(e.amount) filter (where e.side = 'issued' and e.amount < 0), 0) as issued,
                coalesce(sum(e.amount) filter (where e.side = 'spendable'), 0) as spendable,
                coalesce(sum(e.amount) filter (where e.side = 'reserved'), 0) as reserved
            from credits.buckets b left join credits.ledger_entries e on e.bucket_id = b.id group by b.id
        ) as b
    """,
    "buckets hold what open holds took from them": """
        select count(*), array_agg(format('bucket %s: held %s, allocated %s', id, held, allocated))
            filter (where held <> allocated)
        from (
            select b.id, b.held, coalesce(sum(a.amount) filter (where h.status = 'held'), 0) as allocated
            from credits.buckets b left join credits.hold_allocations a on a.bucket_id = b.id
            left join credits.holds h on h.id = a.hold_id group by b.id
        ) as b
    """,
    "holds are made of what they took": """
        select count(*), array_agg(format('hold %s: amount %s, allocated %s', id, amount, allocated))
            filter (where amount <> allocated)
        from (
            select h.id, h.amount, coalesce(sum(a.amount), 0) as allocated from credits.holds h
            left join credits.hold_allocations a on a.hold_id = h.id group by h.id
        ) as h
    """,
    "holds agree with the ledger": """
        select count(*), array_agg(format('hold %s: %s captured %s, the ledger charged %s',
            id, status, captured, charged)) filter (where captured <> charged)
        from (
            select h.id, h.status, h.captured - h.refunded as captured, coalesce(sum(t.charged), 0) as charged
            from credits.holds h left join credits.ledger_transactions t on t.job_id = h.id group by h.id
        ) as h
    """,
    "requests cost no more than their quotes": """
        select count(*), array_agg(format('quote %s over %s is used by request %s: %s holds for %s',
            id, total, used_by, holds, cost)) filter (where cost > total or holds = 0)
        from (
            select q.id, q.total, q.used_by, count(h.id) as holds, coalesce(sum(h.amount), 0) as cost
            from credits.quotes q
            left join credits.holds h on h.request_id = q.used_by and h.team_id = q.team_id
            where q.used_by is not null group by q.id
        ) as q
    """,
    "requests set aside what they say": """
        select count(*), array_agg(format('request %s: %s, required %s, set aside %s',
            id, coalesce(code, 'held'), required, held))
            filter (where held <> case when code is null then required else 0 end)
        from (
            select r.id, r.code, r.required, coalesce(sum(h.amount), 0) as held from credits.requests r
            left join credits.holds h on h.request_id = r.id group by r.id
        ) as r
    """,
    "settled holds name their entries": """
        select count(*), array_agg(format('hold %s names entry %s, which is not in the ledger', id, entry_id))
            filter (where found is null)
        from (
            select h.id, e.entry_id, t.id as found from credits.holds h
            cross join lateral unnest(h.entry_ids) as e (entry_id)
            left join credits.ledger_transactions t on t.id = e.entry_id and t.team_id = h.team_id
        ) as e
    """,
    "versions are contiguous": """
        select count(*), array_agg(format('team %s is at version %s, the ledger has %s up to %s',
            team_id, version, versions, newest))
            filter (where versions <> version - lifted or version - newest not between 0 and lifted
                or (newest <> version and lifted = 0))
        from (
            select a.team_id, a.version, a.lifted, count(distinct t.version) as versions,
                coalesce(max(t.version), 0) as newest
            from credits.accounts a left join credits.ledger_transactions t on t.team_id = a.team_id
            group by a.team_id
        ) as a
    """,
    "spend per API key is what its holds cost": """
        select count(*), array_agg(format('key %s since %s: %s counted, its holds cost %s',
            key_id, start, counted, cost)) filter (where counted <> cost)
        from (
            select coalesce(k.key_id, h.key_id) as key_id, coalesce(k.start, h.key_start) as start,
                coalesce(k.amount, 0) as counted, coalesce(h.cost, 0) as cost
            from credits.key_spend k full join (
                select key_id, key_start,
                    sum(case status when 'held' then amount else captured - refunded end) as cost
                from credits.holds where key_id is not null group by 1, 2
            ) as h on h.key_id = k.key_id and h.key_start = k.start
        ) as k
    """,
}


@dataclass(frozen=True, slots=True)
class PostgresAudit:
    """Runs the checks in one read-only snapshot, so that work going on beside it is no finding."""

    database: Database

    async def run(self) -> list[Check]:
        """Do every check."""
        async with self.database.reading() as connection:
            # The driver itself, for its timeout: an audit may take longer than other statements may.
            driver = connection.driver
            async with driver.transaction(isolation="repeatable_read", readonly=True):
                await driver.execute("set local enable_seqscan = on")  # here whole tables are read
                return [await _check(driver, name, query) for name, query in CHECKS.items()]


async def _check(driver: Any, name: str, query: str) -> Check:  # noqa: ANN401 - asyncpg's
    examined, findings = await driver.fetchrow(query, timeout=LONGEST)
    return Check(name, examined, tuple(findings or ()))
