"""What all bodies share: unknown fields are errors, texts are clean, lists come in pages."""

import unicodedata
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

Item = TypeVar("Item")
_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Strict(BaseModel):
    """A body or query that a client sends."""

    model_config = ConfigDict(extra="forbid")


def example(fields: JsonDict) -> ConfigDict:
    """Let the description of a body show one."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [fields]})


class Body(BaseModel):
    """A body that is answered."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


def _clean(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    return text


def _one_line(text: str) -> str:
    """Write equal texts equally (NFC); refuse what breaks lines or turns the direction of reading."""
    if any(unicodedata.category(sign) in _BREAKING or sign in _TURNING for sign in text):
        raise ValueError("must be one line without control characters")
    return unicodedata.normalize("NFC", text)


Clean = AfterValidator(_clean)
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    AfterValidator(_one_line),
]
Prompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), Clean]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), Clean]
UploadKey = Annotated[str, StringConstraints(pattern=r"^uploads/[0-9a-f-]{36}/[0-9a-f-]{36}$")]
MaxCredits = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
QuoteId = Annotated[
    UUID, Field(description="An offer of `POST /api/credits/quotes`: it costs no more than that")
]
Search = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), Clean]

Tag = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=40), Clean
]


class PageQuery(Strict):
    """Which page of a list is wanted."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=500, description="`next_cursor` of the page before")


class PageOf(Body, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last one."""

    data: list[Item]
    next_cursor: str | None = None


class Problem(Body):
    """What went wrong (RFC 9457). `code` is stable; further members depend on it."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:atelier:problem:insufficient_credits",
                    "title": "Insufficient credits",
                    "status": 402,
                    "code": "insufficient_credits",
                    "detail": "The team has too few credits for this.",
                    "request_id": "0199a3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
                    "required": 8,
                    "spendable": 3,
                }
            ]
        },
    )

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None = None
