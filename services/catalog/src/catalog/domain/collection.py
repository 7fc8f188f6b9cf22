"""The curated collection: reference models as their authors wrote them, and what follows when they change."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from hashlib import sha256
from uuid import NAMESPACE_DNS, UUID, uuid5

from contracts.catalog import Category, PreviewPublished, ReferenceModelChanged

NAMESPACE = uuid5(NAMESPACE_DNS, "reference-models.atelier")
"""Ids follow from slugs, so that every installation knows a curated model by the same id."""


@dataclass(frozen=True, slots=True)
class Curated:
    """A reference model as it was written: `preview` is the picture itself (WebP)."""

    slug: str
    name: str
    category: Category
    description: str
    tags: tuple[str, ...]
    prompt_recipe: str
    negative_prompt: str
    added: date
    preview: bytes

    def __post_init__(self) -> None:
        if self.prompt_recipe.count("{prompt}") != 1:
            raise ValueError(f"the prompt recipe of {self.slug} needs exactly one {{prompt}}")

    @property
    def id(self) -> UUID:
        """The id that belongs to the slug."""
        return uuid5(NAMESPACE, self.slug)

    def revised(self, before: ReferenceModelChanged | None) -> ReferenceModelChanged | None:
        """Return the next version of the published document, or None when nothing has changed."""
        document = self._document(before.version if before else 0, before.uses if before else 0)
        return None if document == before else _next(document)

    def picture(self) -> PreviewPublished:
        """Wrap the picture for the bus."""
        return PreviewPublished(
            sha256=self._preview_name(),
            content_type="image/webp",
            data=b64encode(self.preview).decode(),
        )

    def _preview_name(self) -> str:
        return sha256(self.preview).hexdigest()

    def _document(self, version: int, uses: int) -> ReferenceModelChanged:
        return ReferenceModelChanged(
            id=self.id,
            version=version,
            slug=self.slug,
            name=self.name,
            category=self.category,
            description=self.description,
            tags=self.tags,
            prompt_recipe=self.prompt_recipe,
            negative_prompt=self.negative_prompt,
            preview=self._preview_name(),
            uses=uses,
            created_at=datetime.combine(self.added, time(), UTC),
        )


def retired(document: ReferenceModelChanged) -> ReferenceModelChanged:
    """Return the version that offers the model no longer; what was made from it stays."""
    return _next(document.model_copy(update={"retired": True}))


def retold(document: ReferenceModelChanged) -> ReferenceModelChanged:
    """Return the version that tells how often the model has been used by now."""
    return _next(document)


def _next(document: ReferenceModelChanged) -> ReferenceModelChanged:
    return document.model_copy(update={"version": document.version + 1})
