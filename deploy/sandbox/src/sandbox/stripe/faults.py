"""Faults on demand for Stripe: rules that match calls or webhooks, each counted, each as often as asked."""

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CALL_FAULTS = frozenset({"slow", "http_500", "rate_limited", "timeout", "accept_then_close"})
Name = Literal[
    "slow",
    "http_500",
    "rate_limited",
    "timeout",
    "accept_then_close",
    "webhook_lost",
    "webhook_duplicated",
    "webhook_late",
    "webhook_held",
    "webhook_forged",
]


class Match(BaseModel):
    """Which calls or events a rule is about; what is left out matches everything."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["GET", "POST", "DELETE"] | None = None
    path: str = Field("*", description="of a call, as in /v1/refunds or /v1/invoices/*")
    event: str = Field("*", description="of a webhook, as in invoice.paid or invoice.*")
    nth: int | list[int] | None = Field(None, description="only these of what matches, counted from 1")


class Params(BaseModel):
    """How a fault goes."""

    model_config = ConfigDict(extra="forbid")

    seconds: float = Field(5, ge=0)
    accepted: bool = Field(default=False, description="whether the call is carried out all the same")
    copies: int = Field(2, ge=1)


class Rule(BaseModel):
    """One fault: for whom, and how often."""

    model_config = ConfigDict(extra="forbid")

    fault: Name
    match: Match = Match()
    times: int | None = Field(None, ge=1)
    params: Params = Params()
    seen: int = Field(0, description="matches so far")
    applied: int = Field(0, description="how often the fault was done")

    def strike(self) -> bool:
        """Count a match; say whether the fault happens to it."""
        self.seen += 1
        nth = [self.match.nth] if isinstance(self.match.nth, int) else self.match.nth
        if (nth is not None and self.seen not in nth) or self.applied == self.times:
            return False
        self.applied += 1
        return True


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def on_call(self, method: str, path: str) -> list[Rule]:
        """Return the faults that happen to a call."""
        return [
            rule
            for rule in self.rules
            if rule.fault in CALL_FAULTS
            and rule.match.method in {None, method}
            and fnmatchcase(path, rule.match.path)
            and rule.strike()
        ]

    def on_event(self, kind: str) -> list[Rule]:
        """Return the faults that happen to the webhook of an event."""
        return [
            rule
            for rule in self.rules
            if rule.fault not in CALL_FAULTS and fnmatchcase(kind, rule.match.event) and rule.strike()
        ]
