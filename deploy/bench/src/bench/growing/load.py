"""Loads the copies: table by table, within Postgres, without its indexes, which are made again afterwards."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import asyncpg

from bench.growing.copies import JOBS, MODELS, OF_JOBS, OF_TEAMS, TEAMS
from bench.growing.original import TABLES, Original
from bench.growing.tokens import Tokens

AT_ONCE = 2
SHOWN = ("gateway.view_credit_entries", "gateway.view_jobs")
"""What the gateway shows of every hold: its audit compares the two."""
# Rows come as the services would have left them: what checks and tells at each write has nothing to add.
AS_A_COPY = (
    "set session_replication_role = replica",
    "set synchronous_commit = off",
    "set work_mem = '64MB'",
    "set maintenance_work_mem = '256MB'",
    "set statement_timeout = 0",
)


@dataclass(frozen=True)
class House:
    """How large it is to be; of the `holds` the newest `jobs` still have all they left, also their images."""

    teams: int
    models: int
    jobs: int
    holds: int
    days: int = 80
    logged_days: int = 29

    @property
    def ledger_rows(self) -> int:
        """What the ledger gets: two transactions a hold, of two entries each."""
        return self.holds * 6


# The ids sort by time, as UUIDv7 does: the millisecond, which id of the original it is, whose copy.
_BEFORE = "substr(lpad(to_hex({at}), 12, '0'), 1, 8) || '-' || substr(lpad(to_hex({at}), 12, '0'), 9) || '-7'"
_AFTER = "'-8{kind}00-' || lpad(to_hex({n}), 12, '0')"
# A tenth of all jobs is of one team.
PLACES = """
    create unlogged table growth.teams as
    select n, cast(0 as bigint) as jobs, {team_before} as tp, {team_after} as ts,
        {model_before} as mp, {model_after} as ms
    from (select n, {now} + n as at from generate_series(cast(1 as bigint), {teams}) as n) as t;

    create unlogged table growth.models as
    select m.n, t.n as team, t.tp, t.ts, {model_before} as mp, {model_after} as ms, interval '0' as shift
    from (select n, {now} + n as at from generate_series(cast(1 as bigint), {models}) as n) as m
    join growth.teams as t on t.n = 1 + (m.n - 1) % {teams};

    create unlogged table growth.jobs as
    select j.n, j.k, j.team, t.tp, t.ts, m.mp, m.ms, {job_before} as jp, {job_after} as js,
        date_trunc('minute', make_interval(secs => (j.at - {now}) / 1000.0)) as shift
    from (
        select n, {now} - ({holds} - n) * {step} as at,
            case when n % 10 = 0 then 1 else 2 + (n - n / 10 - 1) % ({teams} - 1) end as team,
            case when n % 10 = 0 then n / 10 else 1 + (n - n / 10 - 1) / ({teams} - 1) end as k
        from generate_series(cast(1 as bigint), {holds}) as n
    ) as j
    join growth.teams as t on t.n = j.team
    join growth.models as m on m.n = j.team + j.k % ({models} / {teams}) * {teams}
    order by j.n;

    update growth.teams set jobs = counted.jobs
    from (select team, count(*) as jobs from growth.jobs group by team) as counted where n = team;
    analyze growth.teams; analyze growth.models; analyze growth.jobs
"""
COPY = """
    insert into {table} select x.* from {whose},
        (values (cast({cost} as bigint), cast({versions} as bigint), cast({base} as bigint), {parts},
            {place})) as c (cost, versions, base, parts, place),
        lateral (select cast({text} as jsonb) as r offset 0) as made,
        lateral jsonb_populate_record(cast(null as {table}), r || {sums}) as x
    where {those}
"""


@dataclass(frozen=True)
class Loader:
    """Copies one original until the house is as large as it is to be."""

    dsn: str
    original: Original
    house: House
    say: Callable[[str], None]

    async def load(self) -> None:
        """Load everything; nobody may use the database meanwhile."""
        async with asyncpg.create_pool(self.dsn, min_size=1, max_size=AT_ONCE, command_timeout=None) as pool:
            await self._make_places(pool)
            indexes = await self._drop_indexes(pool)
            await self._run(pool, [(name, list(found)) for name, found in self._copies()])
            await self._run(pool, [(index.split()[2], [index]) for index in indexes])
            await pool.execute("drop schema growth cascade")
            await self._tell_where_the_log_ends(pool)
        connection = await asyncpg.connect(self.dsn)
        for table in TABLES:
            await connection.execute(f"vacuum analyze {table}")
        await connection.execute("checkpoint")
        await connection.close()

    async def _make_places(self, pool: asyncpg.Pool) -> None:
        house = self.house
        now = await pool.fetchval("select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)")
        sizes = {"teams": house.teams, "models": house.models, "holds": house.holds}
        ids = {
            f"{kind}_{part}": form.format(at=f"{letter}.at", n=f"{letter}.n", kind=number)
            for number, (kind, letter) in enumerate({"team": "t", "model": "m", "job": "j"}.items())
            for part, form in (("before", _BEFORE), ("after", _AFTER))
        }
        step = house.days * 86_400_000 // house.holds
        written = PLACES.format(now=f"cast({now} as bigint)", step=step, **sizes, **ids)
        first, rest = written.split(";", 1)
        own = ids["model_before"].replace("m.", "t."), ids["model_after"].replace("m.", "t.")
        first = first.replace(ids["model_before"], own[0]).replace(ids["model_after"], own[1])
        await pool.execute(f"create schema growth; {first};{rest}")

    def _copies(self) -> Iterator[tuple[str, Iterator[str]]]:
        """For each table the statements that fill it."""
        for table in TABLES:
            yield table, self._statements(table)

    def _statements(self, table: str) -> Iterator[str]:
        if table in TEAMS:
            yield from self._copied(table, self.original.of_team(table), "t", OF_TEAMS.get(table))
        if table in MODELS:
            yield from self._copied(table, self.original.rows[table], "m", None)
        if table in JOBS:
            yield from self._copied(table, self.original.of_job(table), "j", OF_JOBS.get(table))

    def _copied(self, table: str, rows: Sequence[str], whose: str, sums: str | None) -> Iterator[str]:
        tokens = self._tokens(whose)
        source = {"t": "growth.teams as t", "m": "growth.models as m", "j": "growth.jobs as j"}[whose]
        for place, row in enumerate(rows):
            yield COPY.format(
                table=table,
                whose=source,
                text=tokens.expression(row),
                sums=sums or "'{}'",
                those=self._those(table, whose),
                place=place,
                parts=len(rows),
                **self._constants(),
            )

    def _those(self, table: str, whose: str) -> str:
        house = self.house
        if whose != "j" or table.startswith("credits.") or table in SHOWN:
            return "true"
        days = house.days * house.jobs / house.holds
        if table == "gateway.event_log":
            days = min(days, house.logged_days)
        return f"j.n > {house.holds - int(house.holds * days / house.days)}"

    def _constants(self) -> dict[str, int]:
        lines = [json.loads(row) for row in self.original.of_job("credits.ledger_transactions")]
        logged = [json.loads(row)["seq"] for row in self.original.rows["gateway.event_log"]]
        versions = {line["version"] for line in lines}
        return {
            "cost": sum(line["charged"] for line in lines),
            "versions": len(versions),
            "base": 1_000_000 + max(logged),
        }

    def _tokens(self, whose: str) -> Tokens:
        original, kinds = self.original, {"t": "t", "m": "m", "j": "j"}
        own = {"t": original.team_ids, "m": original.model_ids, "j": original.job_ids}
        ids = {
            id_: f"{whose}.{kind}p || '{place:03x}' || {whose}.{kind}s"
            for kind in kinds
            for place, id_ in enumerate(own[kind])
            if kind != "j" or whose == "j"
        }
        shift = f"{whose}.shift" if whose != "t" else None
        return Tokens(ids, {original.email: f"'growth' || {whose}.tp || {whose}.ts"}, shift)

    async def _drop_indexes(self, pool: asyncpg.Pool) -> list[str]:
        found = await pool.fetch(
            """
            select i.schemaname || '.' || i.indexname as name, i.indexdef from pg_indexes as i
            where i.schemaname || '.' || i.tablename = any($1::text[]) and not exists (
                select 1 from pg_constraint as c join pg_namespace as s on s.oid = c.connamespace
                where c.conname = i.indexname and s.nspname = i.schemaname
            )
            """,
            list(TABLES),
        )
        for row in found:
            await pool.execute(f"drop index {row['name']}")
        return [row["indexdef"] for row in found]

    async def _run(self, pool: asyncpg.Pool, work: list[tuple[str, list[str]]]) -> None:
        left = iter(work)

        async def take() -> None:
            for name, statements in left:
                began = asyncio.get_running_loop().time()
                async with pool.acquire() as connection:
                    for setting in AS_A_COPY:
                        await connection.execute(setting)
                    for statement in statements:
                        await connection.execute(statement)
                self.say(f"{name}: {asyncio.get_running_loop().time() - began:.0f} s")

        await asyncio.gather(*(take() for _ in range(AT_ONCE)))

    async def _tell_where_the_log_ends(self, pool: asyncpg.Pool) -> None:
        await pool.execute("update gateway.log_head set seq = (select max(seq) from gateway.event_log)")
        await pool.execute("update gateway.webhook_head set seq = (select seq from gateway.log_head)")
