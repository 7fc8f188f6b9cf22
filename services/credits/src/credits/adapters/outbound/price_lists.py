from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from chassis.connection import Connection, RowMapping
from chassis.statement import text
from contracts.orders import Operation
from credits.adapters.outbound.found import read_price
from credits.adapters.outbound.records import price_rows
from credits.adapters.outbound.writes import PRICES
from credits.domain.pricing import Price, PriceList

IN_FORCE = "select max(version) from credits.price_lists where effective_at <= :now"
AT = text(f"""
    select version, effective_at, operation, base, qualities, sizes
    from credits.prices join credits.price_lists using (version) where version = ({IN_FORCE})
""")  # noqa: S608 - our own words
SAID = text("""
    select version, effective_at, operation, base, qualities, sizes
    from credits.prices join credits.price_lists using (version) where announced_at is not null
    order by version
""")
OVERRULED = text("""
    select version from credits.price_lists where effective_at >= :at and version < :version order by version
""")
# Two runners meet on the row: the second finds it claimed.
CLAIM = text(f"""
    update credits.price_lists set announced_at = :now
    where version = ({IN_FORCE}) and announced_at is null returning version
""")  # noqa: S608 - our own words
# One publisher at a time; those who read prices do not wait.
ONE_AT_A_TIME = text("lock table credits.price_lists in share row exclusive mode")
NEXT = text("""
    insert into credits.price_lists (version, effective_at)
    select max(version) + 1, :effective_at from credits.price_lists returning version
""")
FORGET = text("delete from credits.quotes where used_by is null and expires_at < :before")
PUBLISH = text(PRICES.insert("prices"))


@dataclass(frozen=True, slots=True)
class PostgresPriceLists:
    """The published price lists."""

    connection: Connection

    async def at(self, now: datetime) -> PriceList:
        """Find the newest list in force."""
        rows = (await self.connection.execute(AT, {"now": now})).mappings().all()
        return _read(rows)

    async def said(self) -> list[PriceList]:
        """List what has been said to be in force, oldest first."""
        rows = (await self.connection.execute(SAID)).mappings()
        lists = (list(rows_of) for _, rows_of in groupby(rows, key=itemgetter("version")))
        return [_read(rows_of) for rows_of in lists]

    async def publish(self, prices: Mapping[Operation, Price], effective_at: datetime) -> PriceList:
        """Add a list with the next version, its prices in one statement."""
        await self.connection.execute(ONE_AT_A_TIME)
        made = await self.connection.execute(NEXT, {"effective_at": effective_at})
        published = PriceList(made.scalar_one(), effective_at, prices)
        await self.connection.execute(PUBLISH, PRICES.arrays(price_rows(published)))
        return published

    async def overruled(self, by: PriceList) -> list[int]:
        """Find the versions of planned lists that never come into force because of a newer one."""
        newer = {"at": by.effective_at, "version": by.version}
        return list((await self.connection.execute(OVERRULED, newer)).scalars())

    async def claim(self, now: datetime) -> bool:
        """Mark the list in force as said; False when it is."""
        return (await self.connection.execute(CLAIM, {"now": now})).scalar() is not None

    async def forget_offers(self, before: datetime) -> None:
        """Forget the quotes nobody took that ended before a time."""
        await self.connection.execute(FORGET, {"before": before})


def _read(rows: Sequence[RowMapping]) -> PriceList:
    prices = {Operation(row["operation"]): read_price(row) for row in rows}
    return PriceList(rows[0]["version"], rows[0]["effective_at"], prices)
