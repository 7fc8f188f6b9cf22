from datetime import timedelta

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, SecretStr

from chassis.settings import Given, Host, ServiceSettings, WebAddressOrNone
from jobs.domain.rules import Rules, Timing

HOUR = 3_600
DAY = 24 * HOUR


class Settings(ServiceSettings):
    """What jobs needs to know. All times are in seconds."""

    fal_key: SecretStr = Field(min_length=1, description="Key of the account at fal")
    fal_queue_run_host: Host = Field(default="queue.fal.run", description="Host (and port) of fal's queue")
    callback_key: SecretStr = Field(min_length=16, description="Signs the addresses that fal calls back")
    s3_endpoint: WebAddressOrNone = Field(default=None, description="Object store other than Amazon's")
    s3_bucket: Given = Field(description="The private bucket of all objects")
    aws_access_key_id: Given = Field(description="May read, write and delete in the bucket")
    aws_secret_access_key: SecretStr = Field(min_length=1, description="Secret of that key")
    aws_region: Given = Field(default="us-east-1", description="Region of the bucket")

    provider_slots: PositiveInt = Field(default=40, description="Calls fal may have from us at a time")
    plan_slots: PositiveInt = Field(default=1, description="Jobs running of a team whose plan is not known")
    submit_concurrency: PositiveInt = Field(default=40, description="Calls submitted at a time, per process")
    store_concurrency: PositiveInt = Field(default=8, description="Jobs stored at a time, per process")
    polls_per_second: PositiveFloat = Field(default=50, description="Questions to fal, per process")
    reference_images: PositiveInt = Field(
        default=12, ge=4, description="Images drawn to train on, without uploads"
    )

    image_start_timeout: PositiveFloat = Field(default=120, description="Images: fal starts by then or never")
    image_usual_time: PositiveFloat = Field(default=30, description="Images: drawn by then, as a rule")
    image_running_limit: PositiveFloat = Field(default=900, description="Images: given up after")
    image_poll_first: PositiveFloat = Field(default=10, description="Images: first asked about after")
    image_poll_max: PositiveFloat = Field(default=30, description="Images: asked about at least every")
    image_store_lease: PositiveFloat = Field(
        default=60, description="Images: another worker stores after, unless renewed"
    )
    image_attempts: PositiveInt = Field(
        default=3, description="Images: calls made while their fate is unknown"
    )

    training_start_timeout: PositiveFloat = Field(default=600, description="Training: as for images")
    training_usual_time: PositiveFloat = Field(default=900, description="Training: as for images")
    training_running_limit: PositiveFloat = Field(default=3 * HOUR, description="Training: as for images")
    training_poll_first: PositiveFloat = Field(default=15, description="Training: as for images")
    training_poll_max: PositiveFloat = Field(default=60, description="Training: as for images")
    training_store_lease: PositiveFloat = Field(default=60, description="Training: as for images")
    training_attempts: PositiveInt = Field(default=2, description="Training: as for images")

    queue_limit: PositiveFloat = Field(default=DAY, description="A job waits for its slot at most")
    submit_timeout: PositiveFloat = Field(default=30, description="fal answers a submitted call by then")
    stop_grace: PositiveFloat = Field(default=60, description="After asking fal to stop, wait")
    storing_limit: PositiveFloat = Field(default=HOUR, description="Storing is tried for")
    store_retry: PositiveFloat = Field(default=5, description="What could not be stored is tried again after")
    settle_repeat: PositiveFloat = Field(default=60, description="Credits is asked again every")
    settle_alarm: PositiveFloat = Field(default=900, description="An alarm when credits is silent for")
    model_wait: PositiveFloat = Field(default=30, description="A model not yet heard of is waited for")
    progress_every: PositiveFloat = Field(default=1, description="Progress is told at most every")
    sweep_every: PositiveFloat = Field(
        default=1, description="Deadlines and work left over are looked for every"
    )
    places_every: PositiveFloat = Field(default=2, description="Places in the line are told every")
    expire_every: PositiveFloat = Field(
        default=HOUR, description="Images past their time are looked for every"
    )
    retention: PositiveFloat = Field(default=90 * DAY, description="Images are kept for")
    expiry_notice: PositiveFloat = Field(default=7 * DAY, description="Their end is told so long before")
    object_lease: PositiveFloat = Field(
        default=30, description="What is copied, deleted or exported is tried again after, unless renewed"
    )
    export_limit: PositiveFloat = Field(default=HOUR, description="An export is tried for")
    export_life: PositiveFloat = Field(default=DAY, description="A finished export is kept for")
    exports_open: PositiveInt = Field(default=2, description="Exports a team may have under way")
    exports_a_day: PositiveInt = Field(default=20, description="Exports a team may ask for in a day")
    export_concurrency: PositiveInt = Field(default=2, description="Exports made at a time, per process")
    clock_ahead: NonNegativeFloat = Field(
        default=0, description="The clock runs so far ahead of the machine's, to rehearse what time brings"
    )
    weights_url_life: PositiveFloat = Field(default=7 * DAY, description="fal keeps weights for at least")
    link_life: PositiveFloat = Field(default=DAY, description="Links to our objects, made for fal, live for")

    def rules(self) -> Rules:
        """Return the limits the saga obeys."""
        return Rules(
            images=self._timing("image"),
            training=self._timing("training"),
            queue_limit=_time(self.queue_limit),
            stop_grace=_time(self.stop_grace),
            storing_limit=_time(self.storing_limit),
            store_retry=_time(self.store_retry),
            settle_repeat=_time(self.settle_repeat),
            settle_alarm=_time(self.settle_alarm),
            model_wait=_time(self.model_wait),
            progress_every=_time(self.progress_every),
            retention=_time(self.retention),
            weights_url_life=_time(self.weights_url_life),
            link_life=_time(self.link_life),
            expiry_notice=_time(self.expiry_notice),
            object_lease=_time(self.object_lease),
            export_limit=_time(self.export_limit),
            export_life=_time(self.export_life),
            exports_open=self.exports_open,
            exports_a_day=self.exports_a_day,
            provider_slots=self.provider_slots,
            plan_slots=self.plan_slots,
            reference_images=self.reference_images,
        )

    def _timing(self, kind: str) -> Timing:
        def time(name: str) -> timedelta:
            return _time(getattr(self, f"{kind}_{name}"))

        return Timing(
            start_timeout=time("start_timeout"),
            usual=time("usual_time"),
            running_limit=time("running_limit"),
            poll_first=time("poll_first"),
            poll_max=time("poll_max"),
            store_lease=time("store_lease"),
            attempts=getattr(self, f"{kind}_attempts"),
        )


def _time(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
