"""The figures an operator watches, counted where they are true."""

from dataclasses import dataclass

from chassis.clock import Clock
from chassis.database import Database
from chassis.statement import text
from credits.application.ports import Figures

_FIGURES = text("""
    select h.*, (
        select coalesce(-sum(uncollected), 0) from credits.accounts where uncollected < 0
    ) as uncollected
    from (
        select count(*) as holds, min(created_at) as oldest from credits.holds where status = 'held'
    ) as h
""")


@dataclass(frozen=True, slots=True)
class PostgresFigures:
    """Reads the open holds and the accounts that owe, each by its index."""

    database: Database
    clock: Clock

    async def __call__(self) -> Figures:
        """Count."""
        async with self.database.reading() as connection:
            row = (await connection.execute(_FIGURES)).one()
        age = (self.clock() - row.oldest).total_seconds() if row.oldest else 0.0
        return Figures(row.holds, age, int(row.uncollected))
