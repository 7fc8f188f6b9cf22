"""Forms: what a browser sends as text, told field by field what is wrong with it."""

from collections.abc import Mapping

from pydantic import ValidationError

_WORDS = {
    "missing": "Please fill this in.",
    "string_too_short": "This is too short: at least {min_length} characters.",
    "too_short": "Choose at least {min_length}.",
    "string_too_long": "This is too long: at most {max_length} characters.",
}


def complaints(error: ValidationError) -> dict[str, str]:
    """Say for each field what is wrong with it; what concerns no single field is under the empty name."""
    told: dict[str, str] = {}
    for one in error.errors():
        field = str(one["loc"][0]) if one["loc"] else ""
        told.setdefault(field, _say(one["type"], one["msg"], one.get("ctx", {})))
    return told


def filled(form: Mapping[str, object]) -> dict[str, object]:
    """Leave out the fields that were left empty."""
    return {name: value for name, value in form.items() if value not in ("", None)}


def _say(kind: str, message: str, context: Mapping[str, object]) -> str:
    if kind == "string_too_short" and context.get("min_length") == 1:
        return _WORDS["missing"]
    words = _WORDS.get(kind)
    return words.format(**context) if words else message.removeprefix("Value error, ").capitalize()
