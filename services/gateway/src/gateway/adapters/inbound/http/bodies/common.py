"""What all bodies share: unknown fields are errors, texts are clean, lists come in pages."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

Item = TypeVar("Item")
_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NOT_IN_ONE_LINE = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_NUL = r"\u0000"


def _filled(refused: str) -> str:
    """Write the pattern of texts with something besides spaces in them, and none of the refused signs."""
    return rf"^[^{refused}]*[^\s{refused}][^{refused}]*$"


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


@dataclass(frozen=True, slots=True)
class Checked:
    """A check of texts, in plain words, with the pattern that tells the same in the description."""

    check: Callable[[str], str]
    pattern: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after all else."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Tell the pattern."""
        return handler(schema) | {"pattern": self.pattern}


Clean = Checked(_clean, f"^[^{_NUL}]*$")
# What is left of a text when the spaces around it are gone must not be empty.
Filled = Checked(_clean, _filled(_NUL))
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    Checked(_one_line, _filled(_NOT_IN_ONE_LINE)),
]
Prompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), Filled]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), Clean]
UploadKey = Annotated[str, StringConstraints(pattern=r"^uploads/[0-9a-f-]{36}/[0-9a-f-]{36}$")]


def _whole(number: object) -> object:
    """Take 8.0 for 8, as JSON does: some languages write all their numbers like that."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Whole = BeforeValidator(_whole)
MaxCredits = Annotated[int, Field(ge=1, le=1_000_000, strict=True), Whole]
QuoteId = Annotated[
    UUID, Field(description="An offer of `POST /api/credits/quotes`: it costs no more than that")
]
Search = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), Filled]

Tag = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=40), Filled
]


def _written(time: object) -> object:
    """Let no number pass for a time, which would be read as seconds since 1970."""
    if not isinstance(time, datetime) and not (isinstance(time, str) and "-" in time[1:]):
        raise ValueError("must be written as in RFC 3339: 2026-11-02T12:00:00Z")
    return time


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Written = BeforeValidator(_written)
Moment = Annotated[
    datetime,
    Written,
    AfterValidator(_aware),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
    ),
]
"""A time in a query; without an offset, and as a date, it is UTC."""


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
