"""Turns what a team ordered into what the provider is asked."""

from collections.abc import Callable
from datetime import datetime

from jobs.domain.calls import ProviderCall, StepKind
from jobs.domain.material import Material, model_folder, trigger_word
from jobs.domain.record import JobRecord
from jobs.domain.rules import Rules

Link = Callable[[str, int], str]
"""Signs a link to an object of ours, for so many seconds."""


def archive_key(job: JobRecord) -> str:
    """Name the zip a training learns from."""
    return f"{model_folder(job.team_id, job.model_id, job.id)}/training.zip"


def weights_key(job: JobRecord) -> str:
    """Name our copy of the weights a training makes."""
    return f"{model_folder(job.team_id, job.model_id, job.id)}/weights.safetensors"


def provider_call(job: JobRecord, link: Link, now: datetime, rules: Rules) -> ProviderCall:
    """Write the call of a job's current step."""
    if job.kind is StepKind.TRAIN:
        return _training(job, link, now, rules)
    return _drawing(job, link, now, rules)


def caption(job: JobRecord) -> str:
    """Say what the images of a training show."""
    recipe = job.recipe
    words = (trigger_word(job.model_id), recipe.name, recipe.description, recipe.instructions)
    return ", ".join(word for word in words if word)


def _drawing(job: JobRecord, link: Link, now: datetime, rules: Rules) -> ProviderCall:
    recipe, material = job.recipe, job.material or Material()
    negative = ", ".join(text for text in (material.negative_prompt, recipe.negative_prompt) if text)
    return ProviderCall(
        kind=job.kind,
        start_timeout=_start_timeout(job, rules),
        quantity=job.call.count,
        prompt=_prompt(job, material),
        negative_prompt=negative,
        seed=_seed(job),
        size=recipe.size,
        quality=recipe.quality,
        format=recipe.format,
        weights_url=_weights_url(material, link, now, rules),
        reference_url=_link(link, recipe.reference_key, rules) if recipe.reference_key else None,
    )


def _training(job: JobRecord, link: Link, now: datetime, rules: Rules) -> ProviderCall:
    return ProviderCall(
        kind=StepKind.TRAIN,
        start_timeout=_start_timeout(job, rules),
        archive_url=_link(link, archive_key(job), rules),
        checkpoint_url=_weights_url(job.material or Material(), link, now, rules),
        trigger_word=trigger_word(job.model_id),
    )


def _prompt(job: JobRecord, material: Material) -> str:
    recipe = job.recipe
    wish = recipe.prompt
    if job.kind is StepKind.REFERENCE_SET:
        words = (recipe.prompt, recipe.name, recipe.description, recipe.instructions)
        wish = ", ".join(word for word in words if word)
    if material.weights:
        wish = f"{trigger_word(material.weights.model_id)}, {wish}"
    return material.prompt_recipe.replace("{prompt}", wish)


def _seed(job: JobRecord) -> str:
    # The calls of one job go on counting where the one before ended, or each would draw the same images.
    # Without a wish the job's own id decides, so that the same images can be made again.
    seed = job.id.int % 2**32 if job.recipe.seed is None else int(job.recipe.seed)
    return str(seed + job.call.first - 1)


def _weights_url(material: Material, link: Link, now: datetime, rules: Rules) -> str | None:
    weights = material.weights
    if weights is None:
        return None
    if weights.lives_at_provider(now, rules.weights_url_life):
        return weights.provider_url
    return _link(link, weights.key, rules)


def _link(link: Link, key: str, rules: Rules) -> str:
    return link(key, int(rules.link_life.total_seconds()))


def _start_timeout(job: JobRecord, rules: Rules) -> int:
    return max(2, int(rules.timing(job.kind).start_timeout.total_seconds()))
