"""Faults on demand: rules that match calls and requests, each counted, each as often as asked."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Place = Literal["submit", "status", "result", "cancel", "files", "run", "webhook"]
Name = Literal[
    "slow",
    "http_500",
    "http_502_nginx",
    "http_503",
    "locked",
    "rate_limited",
    "accept_then_close",
    "accept_then_reset",
    "accept_then_hang",
    "validation_422",
    "error",
    "unsafe",
    "fewer_images",
    "cancel_ignored",
    "stuck",
    "never_starts",
    "webhook_lost",
    "webhook_duplicated",
    "webhook_late",
    "webhook_reordered",
    "webhook_forged",
    "webhook_truncated",
]
CALLS = frozenset({"submit", "status", "result", "cancel", "files"})
_ON_A_CALL = (
    "http_500",
    "http_502_nginx",
    "http_503",
    "locked",
    "rate_limited",
    "accept_then_close",
    "accept_then_reset",
    "accept_then_hang",
)
_PLACES: dict[str, frozenset[str]] = {
    "slow": CALLS | {"run"},
    "validation_422": frozenset({"submit", "run"}),
} | dict.fromkeys(_ON_A_CALL, CALLS)
_DEFAULT_PLACE = {"slow": "submit", "validation_422": "run"} | dict.fromkeys(_ON_A_CALL, "submit")


class Match(BaseModel):
    """Which calls a rule is about; what is left out matches everything."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str | None = None
    prompt_contains: str | None = None
    nth: int | list[int] | None = Field(None, description="only these of the matching calls, counted from 1")


class Rule(BaseModel):
    """One fault: where, for whom and how often."""

    model_config = ConfigDict(extra="forbid")

    match: Match = Match()
    fault: Name
    at: Place | None = None
    times: int | None = Field(None, ge=1)
    params: dict[str, Any] = {}
    seen: int = Field(0, description="matching calls so far")
    applied: int = Field(0, description="how often the fault was done")

    @model_validator(mode="after")
    def _settle_place(self) -> "Rule":
        usual = "webhook" if self.fault.startswith("webhook_") else "run"
        allowed = _PLACES.get(self.fault, frozenset({usual}))
        place = self.at or _DEFAULT_PLACE.get(self.fault, usual)
        if place not in allowed:
            raise ValueError(f"{self.fault} can be at {sorted(allowed)}, not at {place}")
        self.at = place  # type: ignore[assignment] # checked above against the names Place lists
        return self

    def concerns(self, place: str, endpoint: str, prompt: str) -> bool:
        """Whether a call is one of those the rule counts."""
        match = self.match
        return (
            self.at == place
            and match.endpoint in {None, endpoint}
            and (match.prompt_contains is None or match.prompt_contains in prompt)
        )

    def strike(self) -> bool:
        """Count a matching call; say whether the fault happens to it."""
        self.seen += 1
        nth = [self.match.nth] if isinstance(self.match.nth, int) else self.match.nth
        if (nth is not None and self.seen not in nth) or self.applied == self.times:
            return False
        self.applied += 1
        return True


@dataclass(frozen=True)
class Fault:
    """A rule that struck."""

    name: str
    params: dict[str, Any]


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def strike(self, place: Place, endpoint: str, prompt: str = "") -> list[Fault]:
        """Return the faults that happen to this call."""
        concerned = [rule for rule in self.rules if rule.concerns(place, endpoint, prompt)]
        return [Fault(rule.fault, rule.params) for rule in concerned if rule.strike()]
