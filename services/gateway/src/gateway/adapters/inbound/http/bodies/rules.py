"""Rules between the fields of a body, told in its schema: whoever keeps to the description is understood.

They stand in `allOf`, which makers of typed clients read past. Null is the same as left out.
"""

from pydantic import ConfigDict
from pydantic.config import JsonDict

UNIQUE: JsonDict = {"uniqueItems": True}
NEVER: JsonDict = {"not": {}}


def given(name: str, **rule: int | str) -> JsonDict:
    """Tell that a field is there; of lists and texts, by `minItems` or `pattern`, that it is not empty."""
    told: JsonDict = {**rule} if rule else {"not": {"type": "null"}}
    return {"required": [name], "properties": {name: told}}


def left_out(*names: str) -> JsonDict:
    """Tell that fields are not there."""
    nothing: JsonDict = {"enum": [None, "", []]}
    return {"properties": dict.fromkeys(names, nothing)}


def all_of(*rules: JsonDict) -> JsonDict:
    """Tell that each of these is so."""
    return {"allOf": [*rules]}


def any_of(*rules: JsonDict) -> JsonDict:
    """Tell that at least one of these is so."""
    return {"anyOf": [*rules]}


def one_of(*rules: JsonDict) -> JsonDict:
    """Tell that exactly one of these is so."""
    return {"oneOf": [*rules]}


def ruled(*rules: JsonDict, examples: list[JsonDict]) -> ConfigDict:
    """Let the description of a body tell its rules and show examples."""
    return ConfigDict(extra="forbid", json_schema_extra={"allOf": [*rules], "examples": [*examples]})
