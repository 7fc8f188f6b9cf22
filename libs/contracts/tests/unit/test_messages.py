import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from contracts import MESSAGES, Command, Fact, message_class
from contracts.topology import QUEUES

SAMPLES = Path(__file__).parents[2] / "samples"
RELEASED = Path(__file__).parents[2] / "released"
SAID = Path(__file__).parents[2] / "released-samples"


def sample(type_: str) -> str:
    return (SAMPLES / f"{type_}.json").read_text()


@pytest.mark.parametrize("type_", MESSAGES)
def test_every_message_has_a_sample_that_round_trips(type_: str):
    message = MESSAGES[type_].model_validate_json(sample(type_))
    assert json.loads(message.model_dump_json()) == json.loads(sample(type_))


@pytest.mark.parametrize("type_", MESSAGES)
def test_every_message_says_what_it_is_about_and_is_immutable(type_: str):
    message = MESSAGES[type_].model_validate_json(sample(type_))
    assert message.subject
    assert message.routing_key.startswith(type_)
    field = next(iter(MESSAGES[type_].model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(message, field, None)


@pytest.mark.parametrize("type_", MESSAGES)
def test_a_field_of_a_newer_release_is_ignored(type_: str):
    newer = json.loads(sample(type_)) | {"field_of_the_future": 1}
    assert MESSAGES[type_].model_validate(newer) == MESSAGES[type_].model_validate_json(sample(type_))


def test_a_message_type_of_a_newer_release_is_unknown_not_an_error():
    assert message_class("jobs.teleported.v9") is None


def test_there_is_no_sample_or_release_without_its_message():
    assert {path.stem for path in SAMPLES.iterdir()} == set(MESSAGES)
    assert {path.stem for path in RELEASED.iterdir()} <= set(MESSAGES)


@pytest.mark.parametrize("path", sorted(RELEASED.iterdir()), ids=lambda path: path.stem)
def test_what_was_released_only_ever_grows(path: Path):
    released = json.loads(path.read_text())
    assert breaks(released, MESSAGES[path.stem].model_json_schema()) == []


@pytest.mark.parametrize("path", sorted(SAID.iterdir()), ids=lambda path: path.stem)
def test_what_the_release_before_says_is_understood_whole(path: Path):
    said = json.loads(path.read_text())
    understood = MESSAGES[path.stem].model_validate(said).model_dump(mode="json")
    assert lost(said, understood) == []


@pytest.mark.parametrize("path", sorted(RELEASED.iterdir()), ids=lambda path: path.stem)
def test_what_is_said_today_is_understood_by_the_release_before(path: Path):
    jsonschema.validate(json.loads(sample(path.stem)), json.loads(path.read_text()))


def test_there_is_a_sample_of_every_released_message():
    assert {path.stem for path in SAID.iterdir()} == {path.stem for path in RELEASED.iterdir()}


def test_the_release_before_refuses_what_it_could_not_read():
    older = json.loads((RELEASED / "credits.capture.v1.json").read_text())
    said = json.loads(sample("credits.capture.v1"))
    jsonschema.validate(said | {"new": 1}, older)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({name: value for name, value in said.items() if name != "team_id"}, older)


def lost(said: Any, understood: Any, at: str = "") -> list[str]:
    """Tell what of a message is not there any more once it has been read."""
    if isinstance(said, dict) and isinstance(understood, dict):
        gone = [f"{at}.{name}" for name in said.keys() - understood.keys()]
        both = said.keys() & understood.keys()
        return gone + [one for name in both for one in lost(said[name], understood[name], f"{at}.{name}")]
    if isinstance(said, list) and isinstance(understood, list) and len(said) == len(understood):
        pairs = enumerate(zip(said, understood, strict=True))
        return [one for n, (a, b) in pairs for one in lost(a, b, f"{at}[{n}]")]
    return [] if said == understood else [at]


def test_what_is_lost_in_reading_is_seen():
    assert lost({"a": [{"b": 1}], "c": 2}, {"a": [{"b": 1, "new": 0}], "c": 2}) == []
    assert sorted(lost({"a": [{"b": 1}], "c": 2}, {"a": [{}], "c": 3})) == [".a[0].b", ".c"]


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Tell what of an old schema the new one no longer keeps: fields gone or changed, or newly required."""
    olds = {"": old} | old.get("$defs", {})
    news = {"": new} | new.get("$defs", {})
    return [problem for name, part in olds.items() for problem in _breaks(name, part, news.get(name, {}))]


def _breaks(name: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    kept = new.get("properties", {})
    gone = [
        f"{name}.{field} changed"
        for field, shape in old.get("properties", {}).items()
        if kept.get(field) != shape
    ]
    demanded = [
        f"{name}.{field} required" for field in set(new.get("required", [])) - set(old.get("required", []))
    ]
    narrowed = [f"{name} lost values"] if set(old.get("enum", [])) - set(new.get("enum", [])) else []
    return gone + demanded + narrowed


def test_the_check_of_releases_sees_every_kind_of_break():
    old = {"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "required": ["a"]}
    assert breaks(old, old) == []
    grown = {"properties": old["properties"] | {"c": {"type": "string"}}, "required": ["a"]}
    assert breaks(old, grown) == []
    assert breaks(old, grown | {"required": ["a", "c"]}) == [".c required"]
    assert breaks(old, {"properties": {"a": {"type": "string"}}, "required": ["a"]}) == [
        ".a changed",
        ".b changed",
    ]
    assert breaks({"$defs": {"E": {"enum": ["x", "y"]}}}, {"$defs": {"E": {"enum": ["x"]}}}) == [
        "E lost values"
    ]


def test_every_command_has_exactly_one_owner():
    owners = [key for queue in QUEUES for key in queue.commands]
    assert sorted(owners) == sorted(
        type_ for type_, message in MESSAGES.items() if issubclass(message, Command)
    )
    for queue in QUEUES:
        assert all(key.startswith(queue.name.split(".")[0]) for key in queue.commands)


def test_every_fact_has_a_hearer():
    heard = {".".join(key.split(".")[:3]) for queue in QUEUES for key in queue.facts}
    assert heard == {type_ for type_, message in MESSAGES.items() if issubclass(message, Fact)}
