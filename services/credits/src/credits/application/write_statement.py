from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from contracts.credits import Entry
from credits.application.ports import Transaction
from credits.domain.account import UnknownTeam


@dataclass(frozen=True, slots=True)
class Statement:
    """A team's history of a time, from the balance at its start to that at its end."""

    start: datetime
    end: datetime
    opening: int
    entries: Sequence[Entry]

    @property
    def closing(self) -> int:
        """What could be spent at the end."""
        return self.entries[-1].balance_after if self.entries else self.opening

    def problems(self) -> Iterator[str]:
        """Add everything up again and say where that gives another balance."""
        balances = [self.opening, *(entry.balance_after for entry in self.entries)]
        for entry, (before, after) in zip(self.entries, pairwise(balances), strict=True):
            if before + entry.amount != after:
                yield f"entry {entry.id}: {before} {entry.amount:+} is {before + entry.amount}, not {after}"

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Lay it out: a heading, the opening balance, a row an entry, the closing balance."""
        yield ("date", "entry", "kind", "operation", "job", "reason", "amount", "balance")
        yield (self.start.isoformat(), "", "opening", "", "", "", "", self.opening)
        for e in self.entries:
            yield (e.at.isoformat(), e.id, e.kind, e.operation, e.job_id, e.reason, e.amount, e.balance_after)
        yield (self.end.isoformat(), "", "closing", "", "", "", "", self.closing)


async def write_statement(
    team_id: UUID, start: datetime, end: datetime, transaction: Transaction
) -> Statement:
    """Draw a team's statement up; raises UnknownTeam."""
    async with transaction() as work:
        if not await work.history.knows(team_id):
            raise UnknownTeam(team_id)
        opening = await work.history.balance(team_id, start)
        return Statement(start, end, opening, await work.history.entries(team_id, start, end))
