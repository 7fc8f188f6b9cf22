"""What Postgres itself reaches: the rows of a hold by one prepared statement, driven by pgbench."""

import re
import subprocess
from collections.abc import Sequence
from hashlib import md5
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from atelier_local.binaries import postgres_folder
from atelier_local.errors import CannotStart
from atelier_local.processes import clean_environment

CLIENTS = (1, 8, 32)
THREADS = 2
# The same rows as credits writes, in one round trip, one transaction a hold; and no message.
HOLD = r"""
\set n random(1, :teams)
with account as (
    update credits.accounts set version = version + 1, spendable = spendable - 2, reserved = reserved + 2
    where team_id = cast(md5(:crowd || :n) as uuid) and spendable >= 2
    returning team_id, version, spendable, reserved
), ids as (
    select *, gen_random_uuid() as request, gen_random_uuid() as hold, gen_random_uuid() as posting
    from account
), bucket as (
    update credits.buckets set remaining = remaining - 2, held = held + 2 from ids where id = ids.team_id
), request as (
    insert into credits.requests (id, team_id, fingerprint, required, spendable, asked_by, decided_at)
    select request, team_id, decode(md5(request::text) || md5(hold::text), 'hex'), 2, spendable + 2,
        gen_random_uuid(), now() from ids
), hold as (
    insert into credits.holds (id, team_id, request_id, operation, quantity, unit_price, amount,
        price_version, status, captured, released, uncollected, refunded, reason, entry_ids,
        created_at, expires_at)
    select hold, team_id, request, 'generate_images', 1, 2, 2, 1, 'held', 0, 0, 0, 0, '', '{}', now(),
        now() + interval '2 days' from ids
), part as (
    insert into credits.hold_allocations (hold_id, position, bucket_id, amount)
    select hold, 0, team_id, 2 from ids
), posting as (
    insert into credits.ledger_transactions (id, team_id, version, n, kind, amount, charged, balance_after,
        job_id, operation, reason, at)
    select posting, team_id, version, 0, 'reserve', -2, 0, spendable, hold, 'generate_images', '', now()
    from ids
), entries as (
    insert into credits.ledger_entries (transaction_id, line, side, amount, bucket_id, balance_after)
    select posting, 0, 'spendable', -2, team_id, spendable from ids
    union all select posting, 1, 'reserved', 2, team_id, reserved from ids
)
select 1;
"""
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_FAILED = re.compile(r"number of failed transactions: ([1-9]\d*)")


def program() -> Path | None:
    """Find pgbench beside the server; None where it was not installed with it."""
    found = postgres_folder() / "pgbench"
    return found if found.exists() else None


def teams(crowd: str, number: int) -> Sequence[UUID]:
    """Name the teams of a crowd: the script knows them by their number."""
    return [UUID(md5(f"{crowd}{n}".encode()).hexdigest()) for n in range(1, number + 1)]  # noqa: S324 - no secret


def holds(
    pgbench: Path, dsn: str, script: Path, crowd: str, teams: int, clients: int, seconds: float
) -> float:
    """Write holds of `teams` teams by so many clients; returns holds per second. Raises CannotStart."""
    script.write_text(HOLD.replace(":crowd", f"'{crowd}'"))
    at = urlsplit(dsn)
    done = subprocess.run(
        [
            *(
                str(pgbench),
                "--no-vacuum",
                "--protocol=prepared",
                f"--file={script}",
                f"--define=teams={teams}",
            ),
            *(f"--client={clients}", f"--jobs={min(THREADS, clients)}", f"--time={max(1, round(seconds))}"),
            *(f"--host={at.hostname}", f"--port={at.port}", f"--username={at.username}", at.path[1:]),
        ],
        env=clean_environment(PGPASSWORD=at.password or ""),
        capture_output=True,
        text=True,
        check=False,
    )
    found = _RATE.search(done.stdout)
    if done.returncode or found is None or _FAILED.search(done.stdout):
        raise CannotStart(f"pgbench failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return float(found.group(1))
