from dataclasses import dataclass
from uuid import UUID

from chassis.connection import Connection
from chassis.statement import text
from contracts.billing import BillingChanged, PlansChanged

FIND = text("select cast(document as text) from billing.overviews where team_id = :team_id for no key update")
SAVE = text(
    """
    insert into billing.overviews (team_id, version, document)
    values (:team_id, :version, cast(:document as jsonb))
    on conflict (team_id) do update set version = excluded.version, document = excluded.document
    """
)
PAGE = text(
    """
    select cast(document as text) from billing.overviews
    where team_id > coalesce(:after, cast(:least as uuid)) order by team_id limit :limit
    """
)
# There is nothing to lock before the first list: whoever is second waits here for whoever is first.
RESERVE = text("select pg_advisory_xact_lock(hashtext('billing offers'))")
LAST = text("select cast(document as text) from billing.offers for no key update")
OFFER = text(
    """
    insert into billing.offers (name, document) values ('plans', cast(:document as jsonb))
    on conflict (name) do update set document = excluded.document
    """
)


@dataclass(frozen=True, slots=True)
class PostgresOverviews:
    """What teams were last shown of their payments, in the schema `billing`."""

    connection: Connection

    async def find(self, team_id: UUID) -> BillingChanged | None:
        """Find what was said last."""
        found = (await self.connection.execute(FIND, {"team_id": team_id})).scalar_one_or_none()
        return BillingChanged.model_validate_json(found) if found else None

    async def save(self, overview: BillingChanged) -> None:
        """Keep what is said now."""
        row = {
            "team_id": overview.team_id,
            "version": overview.version,
            "document": overview.model_dump_json(),
        }
        await self.connection.execute(SAVE, row)

    async def page(self, after: UUID | None, limit: int) -> list[BillingChanged]:
        """Load those of the teams that follow an id."""
        wanted = {"after": after, "least": UUID(int=0), "limit": limit}
        found = (await self.connection.execute(PAGE, wanted)).scalars()
        return [BillingChanged.model_validate_json(document) for document in found]


@dataclass(frozen=True, slots=True)
class PostgresOffers:
    """What was last said to be on offer, in the schema `billing`."""

    connection: Connection

    async def last(self) -> PlansChanged | None:
        """Find it, under lock."""
        await self.connection.execute(RESERVE)
        found = (await self.connection.execute(LAST)).scalar_one_or_none()
        return PlansChanged.model_validate_json(found) if found else None

    async def save(self, offers: PlansChanged) -> None:
        """Keep what is said now."""
        await self.connection.execute(OFFER, {"document": offers.model_dump_json()})
