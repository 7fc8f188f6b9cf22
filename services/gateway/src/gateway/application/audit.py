"""Compare jobs with accounts, as far as the views tell."""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from gateway.domain.books import Finding, JobBooks


class Books(Protocol):
    """Jobs with their history lines, and what accounts say is reserved, all as of one moment."""

    def jobs(self) -> AsyncIterator[JobBooks]:
        """Go through all jobs that are shown or that credits moved for."""

    async def reserved(self) -> dict[UUID, int]:
        """Tell what each account has reserved."""


@dataclass(frozen=True, slots=True)
class Audit:
    """How much was looked at, and what was found."""

    jobs: int
    accounts: int
    findings: tuple[Finding, ...]


async def audit(books: Books) -> Audit:
    """Look at every job and every account."""
    findings: list[Finding] = []
    held: defaultdict[UUID, int] = defaultdict(int)
    count = 0
    async for job in books.jobs():
        count += 1
        held[job.team_id] += job.held
        findings += [Finding(job.team_id, job.job_id, what) for what in job.findings()]
    reserved = await books.reserved()
    for team_id in sorted(held.keys() | reserved.keys()):
        if held[team_id] != reserved.get(team_id, 0):
            what = f"{reserved.get(team_id, 0)} credits are reserved, {held[team_id]} are held by open jobs"
            findings.append(Finding(team_id, None, what))
    return Audit(count, len(reserved), tuple(findings))
