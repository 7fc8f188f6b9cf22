from collections.abc import Sequence
from uuid import UUID

from catalog.application.ports import Transaction


async def announce_models(after: UUID | None, limit: int, transaction: Transaction) -> Sequence[UUID]:
    """Say the teams' models that follow an id once more, as they stand; returns their ids."""
    async with transaction() as work:
        models = await work.models.page(after, limit)
        for document in filter(None, (model.document() for model in models)):
            work.outbox.announce(document)
    return [model.id for model in models]


async def announce_references(after: UUID | None, limit: int, transaction: Transaction) -> Sequence[UUID]:
    """Say the curated models that follow an id once more, each after its picture; returns their ids."""
    async with transaction() as work:
        documents = await work.references.page(after, limit)
        pictures = await work.pictures.named({document.preview for document in documents})
        for document in documents:
            if document.preview in pictures:
                work.outbox.announce(pictures[document.preview])
            work.outbox.announce(document)
    return [document.id for document in documents]
