"""How long things may take and how often they are tried; the numbers come from the settings."""

from dataclasses import dataclass
from datetime import timedelta

from jobs.domain.calls import StepKind


@dataclass(frozen=True, slots=True)
class Timing:
    """What to expect of one kind of provider call.

    `start_timeout`: the provider starts within it or never. `usual`: how long it then takes, as a rule.
    `attempts`: how many calls a step may cost when their fate stays unknown.
    """

    start_timeout: timedelta
    usual: timedelta
    running_limit: timedelta
    poll_first: timedelta
    poll_max: timedelta
    store_lease: timedelta
    attempts: int

    @property
    def grace(self) -> timedelta:
        """After this an unanswered call has either never started or told its result."""
        return self.start_timeout + self.usual


@dataclass(frozen=True, slots=True)
class Rules:
    """Every limit the saga obeys."""

    images: Timing
    training: Timing
    queue_limit: timedelta
    stop_grace: timedelta
    storing_limit: timedelta
    store_retry: timedelta
    settle_repeat: timedelta
    settle_alarm: timedelta
    model_wait: timedelta
    progress_every: timedelta
    retention: timedelta
    weights_url_life: timedelta
    link_life: timedelta
    expiry_notice: timedelta
    object_lease: timedelta
    export_limit: timedelta
    export_life: timedelta
    exports_open: int
    exports_a_day: int
    provider_slots: int
    plan_slots: int
    images_per_call: int = 4
    reference_images: int = 12
    least_training_images: int = 4
    most_training_images: int = 40

    def timing(self, kind: StepKind) -> Timing:
        """Return the timing of this kind of step."""
        return self.training if kind is StepKind.TRAIN else self.images
