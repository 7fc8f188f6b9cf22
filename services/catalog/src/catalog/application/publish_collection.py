from collections.abc import Sequence

from catalog.application.ports import Transaction
from catalog.domain.collection import Curated, retired
from chassis.clock import Clock


async def publish_collection(collection: Sequence[Curated], transaction: Transaction, clock: Clock) -> int:
    """Say each curated model that is new, changed or gone, with its picture; return how many those were."""
    async with transaction() as work:
        published = await work.references.lock_all()
        await work.pictures.keep([curated.picture() for curated in collection])
        changed = []
        for curated in collection:
            before = published.pop(curated.id, None)
            if document := curated.revised(before):
                if before is None or before.preview != document.preview:
                    work.outbox.add(curated.picture())  # before the document that shows it
                changed.append(document)
        changed += [retired(document) for document in published.values() if not document.retired]
        for document in changed:
            work.outbox.add(document)
        await work.references.save(changed, clock())
        return len(changed)
