"""Lifecycle rules: kept as the client wrote them, and executed when the sandbox's clock moves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError

from sandbox.s3.problem import S3Problem
from sandbox.s3.store import Store, Stored
from sandbox.s3.xml import parse

_DAY = 86400


def iso(moment: float) -> str:
    """Write a moment as S3 does in its documents."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass(frozen=True, slots=True)
class Rule:
    """Objects below a prefix go so many days after they came."""

    id: str
    prefix: str
    days: int

    def expires_at(self, modified: float) -> float:
        """Return the moment: S3 counts whole days and rounds up to the next midnight UTC."""
        return math.ceil((modified + self.days * _DAY) / _DAY) * _DAY


class Lifecycle:
    """The bucket's lifecycle configuration."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.document = file.read_bytes() if file.exists() else b""
        self._rules = _rules(self.document) if self.document else []

    def replace(self, document: bytes) -> None:
        """Take a new configuration, or none."""
        self._rules = _rules(document) if document else []
        self.document = document
        self._file.write_bytes(document)

    def rule_for(self, key: str) -> Rule | None:
        """Return the rule that ends this object first."""
        matching = (rule for rule in self._rules if key.startswith(rule.prefix))
        return min(matching, key=lambda rule: rule.days, default=None)

    def expiration(self, stored: Stored) -> dict[str, str]:
        """Return the `x-amz-expiration` header of an object under a rule."""
        rule = self.rule_for(stored.key)
        if rule is None:
            return {}
        moment = datetime.fromtimestamp(rule.expires_at(stored.modified), UTC)
        date = format_datetime(moment, usegmt=True)
        return {"x-amz-expiration": f'expiry-date="{date}", rule-id="{quote(rule.id)}"'}

    def execute(self, store: Store, now: float) -> list[str]:
        """Delete what is due; return its keys."""
        due = [key for key in store.keys() if self._is_due(store.get(key), now)]  # noqa: SIM118 - no dict
        for key in due:
            store.delete(key)
        return due

    def _is_due(self, stored: Stored | None, now: float) -> bool:
        rule = self.rule_for(stored.key) if stored else None
        return bool(stored and rule and rule.expires_at(stored.modified) <= now)


def _rules(document: bytes) -> list[Rule]:
    try:
        rules = [_rule(n, element) for n, element in enumerate(parse(document).iter("Rule"), start=1)]
    except (ParseError, ValueError):
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise S3Problem(400, "MalformedXML", message) from None
    return [rule for rule in rules if rule]


def _rule(n: int, element: Element) -> Rule | None:
    if any(element.iter("Tag")) or any(element.iter("ObjectSizeGreaterThan")):
        raise S3Problem(501, "NotImplemented", "The sandbox executes lifecycle rules by prefix only.")
    days = element.findtext("Expiration/Days")
    if element.findtext("Status") != "Enabled" or days is None:
        return None
    prefix = next((found.text or "" for found in element.iter("Prefix")), "")
    return Rule(element.findtext("ID") or f"rule-{n}", prefix, int(days))
