"""A team's plan: what it allows and which month it is in."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

from billing.domain.months import months_after, months_until
from billing.domain.plans import PLANS, PlanName
from billing.domain.standing import Standing
from contracts.billing import Interval, Limits, PeriodOpened, PlanChanged


@dataclass(frozen=True, slots=True)
class Subscription:
    """A team's plan, its limits (the plan's own unless an operator has set others) and its Free month.

    `anchor` is the moment the Free months are counted from: when the team was opened, or fell back to Free.
    """

    team_id: UUID
    plan: PlanName
    status: str
    limits: Limits
    version: int
    anchor: datetime
    period_start: datetime
    period_end: datetime
    interval: Interval | None = None

    @classmethod
    def free(cls, team_id: UUID, now: datetime, floor: int = 0) -> Self:
        """Start the Free plan with its first month; its versions begin after `floor`."""
        end = months_after(now, 1)
        return cls(team_id, "free", "active", PLANS["free"].limits, floor + 1, now, now, end)

    def current(self, now: datetime) -> Self:
        """Move on to the Free month that `now` lies in.

        Months that nobody opened in time are left out: each would replace the credits of the one before.
        """
        months = max(0, months_until(self.anchor, now))
        start, end = months_after(self.anchor, months), months_after(self.anchor, months + 1)
        return replace(self, period_start=start, period_end=end)

    def following(self, standing: Standing, now: datetime) -> Self:
        """Take over what Stripe says; a new face is a new version.

        Who falls back to Free starts a Free month there and then. Who leaves Free keeps the count of its
        months for the way back.
        """
        changed = replace(
            self,
            plan=standing.plan,
            status=standing.status,
            interval=standing.interval,
            limits=self._limits_on(standing.plan),
        )
        if standing.plan == "free":
            anchor = max(self.anchor, standing.free_since or self.anchor)
            changed = replace(changed, anchor=anchor).current(now)
        return replace(changed, version=self.version + 1) if changed.face != self.face else changed

    def allowing(self, limits: Limits) -> Self:
        """Allow something else than the plan does; the same again is no new version."""
        return self if limits == self.limits else replace(self, limits=limits, version=self.version + 1)

    def document(self) -> PlanChanged:
        """Describe the plan as the team may see it."""
        return PlanChanged(
            team_id=self.team_id,
            version=self.version,
            plan=self.plan,
            status=self.status,
            limits=self.limits,
        )

    def period(self) -> PeriodOpened:
        """Describe the current Free month and the credits it brings."""
        return PeriodOpened(
            team_id=self.team_id,
            source_ref=f"free:{self.team_id}:{self.period_start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            kind="reset",
            credits=PLANS["free"].credits,
            period_start=self.period_start,
            period_end=self.period_end,
            plan="free",
        )

    @property
    def face(self) -> tuple[object, ...]:
        """Show what others see of it."""
        return self.plan, self.status, self.limits

    def _limits_on(self, plan: PlanName) -> Limits:
        """Keep what an operator has set, as long as the plan does not allow more by itself."""
        before, after = PLANS[self.plan].limits.model_dump(), PLANS[plan].limits.model_dump()
        own = {
            name: max(value, after[name])
            for name, value in self.limits.model_dump().items()
            if value != before[name]
        }
        return Limits.model_validate(after | own)
