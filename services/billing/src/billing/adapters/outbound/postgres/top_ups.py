from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from billing.domain.topping_up import Purchase
from chassis.connection import Connection
from chassis.statement import text
from contracts.billing import AutoTopUp

WISH = text(
    """
    select enabled, threshold, pack, monthly_cap, stopped, stopped_at, resumes_at from billing.top_ups
    where team_id = :team_id
    """
)
WANTS = text(
    """
    insert into billing.top_ups (team_id, enabled, threshold, pack, monthly_cap, stopped, stopped_at,
        resumes_at)
    values (:team_id, :enabled, :threshold, :pack, :monthly_cap, :stopped, :stopped_at, :resumes_at)
    on conflict (team_id) do update set enabled = excluded.enabled, threshold = excluded.threshold,
        pack = excluded.pack, monthly_cap = excluded.monthly_cap, stopped = excluded.stopped,
        stopped_at = excluded.stopped_at, resumes_at = excluded.resumes_at
    """
)
SPENT = text(
    """
    select coalesce(sum(amount), 0) from billing.purchases
    where team_id = :team_id and started_at >= :since and state in ('started', 'paid')
    """
)
ANSWERED = text(
    """
    select coalesce(max(account_version), 0) from billing.purchases
    where team_id = :team_id and state in ('started', 'paid')
    """
)
START = text(
    """
    insert into billing.purchases
        (id, team_id, pack, credits, amount, currency, state, started_at, account_version)
    values (:id, :team_id, :pack, :credits, :amount, :currency, :state, :started_at, :account_version)
    on conflict do nothing returning id
    """
)
END = text("update billing.purchases set state = :state where id = :id and state = 'started'")
_COLUMNS = "id, team_id, pack, credits, amount, currency, started_at, state, account_version"
IN_FLIGHT = text(
    f"select {_COLUMNS} from billing.purchases where team_id = :team_id and state = 'started'"  # noqa: S608 - names of ours
)
STUCK = text(
    f"""
    select {_COLUMNS} from billing.purchases where state = 'started' and started_at < :before
    order by started_at limit :limit
    """  # noqa: S608 - names of ours
)


@dataclass(frozen=True, slots=True)
class PostgresTopUps:
    """Packs that are bought by themselves, in the schema `billing`."""

    connection: Connection

    async def wish(self, team_id: UUID) -> AutoTopUp:
        """Find what a team wants; without what it has spent."""
        row = (await self.connection.execute(WISH, {"team_id": team_id})).mappings().one_or_none()
        return AutoTopUp(**row) if row else AutoTopUp()

    async def wants(self, team_id: UUID, wish: AutoTopUp) -> None:
        """Keep what a team wants."""
        row = wish.model_dump(exclude={"spent_this_month"}) | {"team_id": team_id}
        await self.connection.execute(WANTS, row)

    async def spent(self, team_id: UUID, since: datetime) -> int:
        """Tell for how much packs were bought, or are being bought, since then."""
        row = {"team_id": team_id, "since": since}
        return int((await self.connection.execute(SPENT, row)).scalar_one())

    async def answered(self, team_id: UUID) -> int:
        """Tell the newest version of a team's account that a pack was bought for; 0 without any."""
        return int((await self.connection.execute(ANSWERED, {"team_id": team_id})).scalar_one())

    async def start(self, purchase: Purchase) -> bool:
        """Note a purchase; False when it is noted already, or another of the team is in flight."""
        return (await self.connection.execute(START, asdict(purchase))).first() is not None

    async def end(self, purchase: Purchase) -> None:
        """Note how a purchase ended."""
        await self.connection.execute(END, {"id": purchase.id, "state": purchase.state})

    async def in_flight(self, team_id: UUID) -> Purchase | None:
        """Find the purchase of a team that has not ended."""
        row = (await self.connection.execute(IN_FLIGHT, {"team_id": team_id})).mappings().one_or_none()
        return Purchase(**row) if row else None

    async def stuck(self, before: datetime, limit: int) -> list[Purchase]:
        """Find purchases that were started before then and have not ended."""
        rows = await self.connection.execute(STUCK, {"before": before, "limit": limit})
        return [Purchase(**row) for row in rows.mappings()]
