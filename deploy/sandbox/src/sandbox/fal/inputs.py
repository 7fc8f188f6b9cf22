"""The inputs of the endpoints, refused as fal refuses them: a list of typed details."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from sandbox.fal.outcomes import ModelError

SIZES = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
Preset = Literal["square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"]
Side = Annotated[int, Field(gt=0, le=4096)]


class ImageSize(BaseModel):
    """A size in pixels."""

    width: Side = 512
    height: Side = 512


class Lora(BaseModel):
    """Weights to apply, by address."""

    path: str
    scale: float = Field(1.0, ge=0, le=4)


class TextToImage(BaseModel):
    """Input of `fal-ai/flux/dev`."""

    prompt: str
    image_size: ImageSize | Preset = "landscape_4_3"
    num_images: int = Field(1, ge=1, le=4)
    num_inference_steps: int = Field(28, ge=1, le=50)
    guidance_scale: float = Field(3.5, ge=0, le=35)
    seed: int | None = None
    enable_safety_checker: bool = True
    output_format: Literal["jpeg", "png"] = "jpeg"
    acceleration: Literal["none", "regular", "high"] = "none"
    sync_mode: bool = False

    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        if isinstance(self.image_size, ImageSize):
            return self.image_size.width, self.image_size.height
        return SIZES[self.image_size]


class LoraTextToImage(TextToImage):
    """Input of `fal-ai/flux-lora`."""

    loras: list[Lora] = []


class LoraImageToImage(LoraTextToImage):
    """Input of `fal-ai/flux-lora/image-to-image`."""

    image_url: str
    strength: float = Field(0.85, gt=0, le=1)


class FastTraining(BaseModel):
    """Input of `fal-ai/flux-lora-fast-training`."""

    images_data_url: str
    trigger_word: str | None = None
    steps: int = Field(1000, ge=1, le=10_000)
    is_style: bool = False
    create_masks: bool = True
    is_input_format_already_preprocessed: bool = False
    data_archive_format: str | None = None

    def phrase(self) -> str | None:
        """Return the words that call the trained subject."""
        return self.trigger_word

    def checkpoint(self) -> str:
        """Return nothing: the trainer cannot resume."""
        return ""


class PortraitTraining(BaseModel):
    """Input of `fal-ai/flux-lora-portrait-trainer`."""

    images_data_url: str
    trigger_phrase: str | None = None
    steps: int = Field(2500, ge=1, le=10_000)
    learning_rate: float = Field(9e-5, gt=0)
    multiresolution_training: bool = True
    subject_crop: bool = True
    create_masks: bool = False
    data_archive_format: str | None = None
    resume_from_checkpoint: str = ""

    def phrase(self) -> str | None:
        """Return the words that call the trained subject."""
        return self.trigger_phrase

    def checkpoint(self) -> str:
        """Address of the weights to continue from, or nothing."""
        return self.resume_from_checkpoint


Input = TypeVar("Input", bound=BaseModel)


def parse(model: type[Input], arguments: dict[str, Any]) -> Input:
    """Read the arguments of an endpoint; raises ModelError with every detail."""
    try:
        return model.model_validate(arguments)
    except ValidationError as problem:
        details = problem.errors(include_context=False)
        raise ModelError([{**detail, "loc": ["body", *detail["loc"]]} for detail in details]) from problem
