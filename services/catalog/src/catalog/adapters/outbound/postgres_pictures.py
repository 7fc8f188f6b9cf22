from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chassis.connection import Connection
from chassis.statement import text
from contracts.catalog import PreviewPublished

KEEP = text(
    """
    insert into catalog.pictures (sha256, content_type, data)
    values (:sha256, :content_type, :data) on conflict do nothing
    """
)
NAMED = text("select * from catalog.pictures where sha256 = any(:names)")


@dataclass(frozen=True, slots=True)
class PostgresPictures:
    """The pictures of reference models in the schema `catalog`."""

    connection: Connection

    async def keep(self, pictures: Sequence[PreviewPublished]) -> None:
        """Keep each picture, once."""
        if pictures:
            rows = [picture.model_dump() | {"data": b64decode(picture.data)} for picture in pictures]
            await self.connection.execute(KEEP, rows)

    async def named(self, names: Collection[str]) -> dict[str, PreviewPublished]:
        """Load the pictures that are kept under these names."""
        rows = await self.connection.execute(NAMED, {"names": list(names)})
        return {
            row.sha256: PreviewPublished(
                sha256=row.sha256, content_type=row.content_type, data=b64encode(row.data).decode()
            )
            for row in rows
        }
