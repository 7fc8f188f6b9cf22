from pydantic import BaseModel, ConfigDict, Field


class Timing(BaseModel):
    """How long things take and how much runs at once; seconds unless the name says otherwise."""

    model_config = ConfigDict(extra="forbid")

    image_seconds: float = Field(0.3, ge=0)
    training_seconds: float = Field(2.0, ge=0)
    cancel_seconds: float = Field(
        0.05, ge=0, description="what a running request takes to stop when cancelled"
    )
    concurrency: int = Field(40, ge=0, description="requests of the account running at once; 0 starts none")
    tiny_images: int | None = Field(None, ge=8, le=512, description="side of every picture, for load tests")
    webhook_policy: str = Field("two_hours", pattern="^(two_hours|until_result_expires)$")
    webhook_timeout: float = Field(15.0, gt=0)
    webhook_scale: float = Field(0.05, ge=0, description="multiplies the waits between webhook attempts")
    webhook_on_cancel: bool = Field(default=True, description="a cancelled request sends its error webhook")
