"""First images for a team that has made none: a popular reference model and a prompt that suits it."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.adapters.inbound.http.bodies.models import ReferenceModel

SHOWN = 3
_PROMPTS = {
    "fashion": "a linen coat on a windy pier, soft morning light",
    "fitness": "a runner resting on the stairs of an old stadium, sunrise",
    "beauty": "a close portrait with freckles and wet hair, window light",
    "lifestyle": "breakfast on a small balcony above the sea",
    "business": "an architect at a table full of models, afternoon sun",
}


@dataclass(frozen=True, slots=True)
class Starter:
    """One image that a press of a button makes."""

    reference: ReferenceModel
    prompt: str


def starters(popular: Sequence[ReferenceModel]) -> list[Starter]:
    """Choose from the most used ones, at most one of each category."""
    chosen: dict[str, Starter] = {}
    for reference in popular:
        if prompt := _PROMPTS.get(reference.category):
            chosen.setdefault(reference.category, Starter(reference, prompt))
    return list(chosen.values())[:SHOWN]
