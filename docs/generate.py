"""Write the documents that follow from the code: `python docs/generate.py`; `--check` only compares.

settings.md and .env.example come from the settings of each service, asyncapi.json (3.0) from the contracts
and their topology, openapi.json and errors.md from the gateway.
"""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from contracts import MESSAGES, Command, Fact, Message
from contracts.topology import COMMANDS, FACTS, QUEUES, Queue

ROOT = Path(__file__).parent.parent
PROCESSES = {
    "gateway": "Settings",
    "gateway project": "ProjectorSettings",
    "gateway deliver": "DelivererSettings",
    "credits": "Settings",
    "jobs": "Settings",
    "catalog": "Settings",
    "billing": "Settings",
}
"""Every kind of process with the class of its settings; the roles of a service follow its name."""


def settings_of(process: str) -> type[BaseSettings]:
    """Find the settings class of a kind of process."""
    module = importlib.import_module(f"{process.split()[0]}.settings")
    found: type[BaseSettings] = getattr(module, PROCESSES[process])
    return found


def default_of(field: FieldInfo) -> str:
    """Show a field's default as it would be written in the environment."""
    if field.is_required() or field.default is PydanticUndefined:
        return ""
    value = field.default
    return ",".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)


def settings_table() -> str:
    """Describe every setting of every kind of process, a table each."""
    lines = [
        "# Settings",
        "",
        "Read from the environment of each process; `NAME_FILE` names a file to read it from.",
    ]
    for process in PROCESSES:
        lines += ["", f"## {process}", "", "| name | default | meaning |", "|---|---|---|"]
        for name, field in settings_of(process).model_fields.items():
            default = (
                "**required**"
                if field.is_required()
                else f"`{default_of(field)}`"
                if default_of(field)
                else "none"
            )
            lines.append(f"| `{name.upper()}` | {default} | {field.description or ''} |")
    return "\n".join(lines) + "\n"


def env_example() -> str:
    """List every setting once, with who reads it, ready to be filled in."""
    readers: dict[str, list[str]] = {}
    fields: dict[str, FieldInfo] = {}
    for process in PROCESSES:
        for name, field in settings_of(process).model_fields.items():
            readers.setdefault(name, []).append(process)
            fields.setdefault(name, field)
    lines = [
        "# Every setting there is; required ones have no default. A process reads only those that name it."
    ]
    for name, field in fields.items():
        who = "every process" if len(readers[name]) == len(PROCESSES) else ", ".join(readers[name])
        lines += ["", f"# {field.description or name} ({who})"]
        lines.append(f"{name.upper()}=" if field.is_required() else f"# {name.upper()}={default_of(field)}")
    return "\n".join(lines) + "\n"


def asyncapi() -> str:
    """Describe the bus: a channel for each exchange and queue, each message with its schema."""
    document: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {"title": "Atelier", "version": "1", "description": "Commands go out, facts come back."},
        "defaultContentType": "application/json",
        "channels": {name: _exchange(name) for name in (COMMANDS, FACTS)}
        | {q.name: _queue(q) for q in QUEUES},
        "operations": {f"{queue.name} hears": _receives(queue) for queue in QUEUES},
        "components": {"messages": {type_: _message(message) for type_, message in sorted(MESSAGES.items())}},
    }
    return json.dumps(document, indent=2) + "\n"


def _message(message: type[Message]) -> dict[str, Any]:
    kind = (
        "command" if issubclass(message, Command) else "public fact" if _public(message) else "internal fact"
    )
    summary = (message.__doc__ or "").split("\n")[0]
    schema = message.model_json_schema(
        ref_template=f"#/components/messages/{message.type}/payload/$defs/{{model}}"
    )
    return {
        "name": message.type,
        "title": message.__name__,
        "summary": summary,
        "tags": [{"name": kind}],
        "payload": schema,
    }


def _public(message: type[Message]) -> bool:
    return issubclass(message, Fact) and message.public


def _exchange(name: str) -> dict[str, Any]:
    wanted = Command if name == COMMANDS else Fact
    kind = "direct" if name == COMMANDS else "topic"
    messages = {
        t: {"$ref": f"#/components/messages/{t}"}
        for t, m in sorted(MESSAGES.items())
        if issubclass(m, wanted)
    }
    binding = {"amqp": {"is": "routingKey", "exchange": {"name": name, "type": kind, "durable": True}}}
    return {"address": name, "messages": messages, "bindings": binding}


def _queue(queue: Queue) -> dict[str, Any]:
    types = sorted({".".join(key.split(".")[:3]) for key in queue.commands + queue.facts})
    keys = ", ".join(queue.commands + queue.facts)
    return {
        "address": queue.name,
        "description": f"Bound to {keys}.",
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in types},
        "bindings": {"amqp": {"is": "queue", "queue": {"name": queue.name, "durable": True}}},
    }


def _receives(queue: Queue) -> dict[str, Any]:
    return {"action": "receive", "channel": {"$ref": f"#/channels/{queue.name}"}}


def openapi() -> str:
    """Ask the gateway for its HTTP API."""
    command = [sys.executable, "-m", "gateway", "openapi"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own module


def errors() -> str:
    """Ask the gateway for the codes of its errors."""
    made: str = importlib.import_module("gateway.adapters.inbound.http.codes").as_markdown()
    return made


DOCUMENTS = {
    "docs/errors.md": errors,
    "docs/settings.md": settings_table,
    ".env.example": env_example,
    "docs/asyncapi.json": asyncapi,
    "docs/openapi.json": openapi,
}


def main() -> None:
    """Write the documents, or with --check name those that are not current and fail."""
    stale = []
    for path, make in DOCUMENTS.items():
        current = ROOT / path
        if not current.exists() or current.read_text() != make():
            stale.append(path)
            if "--check" not in sys.argv:
                current.write_text(make())
    if stale:
        print("changed:" if "--check" not in sys.argv else "not current, run make docs:", *stale)  # noqa: T201
    sys.exit(1 if stale and "--check" in sys.argv else 0)


if __name__ == "__main__":
    main()
