"""Compare jobs with accounts, as far as the views tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chassis.clock import Clock
from gateway.application.checking import StoredFinding
from gateway.application.ports import Transaction, Work
from gateway.domain.books import AccountBooks, Finding

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
OVERLAP = timedelta(minutes=1)
"""Longer than any transaction of the projector, whose rows show only when it ends."""


@dataclass(frozen=True, slots=True)
class Audit:
    """How much was looked at, what seems wrong now, and what has lasted too long to be under way."""

    jobs: int
    accounts: int
    suspicions: tuple[Finding, ...]
    findings: tuple[StoredFinding, ...]


async def audit(transaction: Transaction, clock: Clock, grace: timedelta) -> Audit:
    """Look at every job and every account, from the first line on."""
    async with transaction() as work:
        await work.findings.begin(wait=True)
        return await _look(work, clock, grace, since=None)


async def audit_news(transaction: Transaction, clock: Clock, grace: timedelta) -> Audit | None:
    """Look at what has changed since the last look; None while another process does."""
    async with transaction() as work:
        last = await work.findings.begin(wait=False)
        return None if last is None else await _look(work, clock, grace, since=last - OVERLAP)


async def _look(work: Work, clock: Clock, grace: timedelta, since: datetime | None) -> Audit:
    found: list[Finding] = []
    jobs = 0
    async for job in work.books.moved(since or BEGINNING):
        jobs += 1
        found += job.findings()
    accounts = await (work.books.accounts() if since is None else work.books.changed())
    found += await _unbalanced(work, accounts)
    await work.findings.note(found, clock(), grace)
    return Audit(jobs, len(accounts), tuple(found), tuple(await work.findings.standing()))


async def _unbalanced(work: Work, accounts: Sequence[AccountBooks]) -> list[Finding]:
    """Find what is wrong with accounts; who seems wrong is added up again from the first line on."""
    doubtful = {account.team_id for account in accounts if any(account.findings())}
    await work.books.balanced([account for account in accounts if account.team_id not in doubtful])
    again = await work.books.accounts(doubtful) if doubtful else []
    await work.books.balanced([account for account in again if not any(account.findings())])
    return [finding for account in again for finding in account.findings()]
