"""A team's plan: what it allows and which month it is in."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID

from billing.domain.months import months_after, months_until
from billing.domain.plans import PLANS, PlanName
from contracts.billing import Limits, PeriodOpened, PlanChanged


@dataclass(frozen=True, slots=True)
class Subscription:
    """A team's plan, its limits (the plan's own unless an operator has set others) and its current month.

    `anchor` is the moment the months are counted from.
    """

    team_id: UUID
    plan: PlanName
    status: str
    limits: Limits
    version: int
    anchor: datetime
    period_start: datetime
    period_end: datetime

    @classmethod
    def free(cls, team_id: UUID, now: datetime) -> Self:
        """Start the Free plan with its first month."""
        end = months_after(now, 1)
        return cls(team_id, "free", "active", PLANS["free"].limits, 1, now, now, end)

    def current(self, now: datetime) -> Self:
        """Move on to the month that `now` lies in.

        Months that nobody opened in time are left out: each would replace the credits of the one before.
        """
        months = months_until(self.anchor, now)
        start, end = months_after(self.anchor, months), months_after(self.anchor, months + 1)
        return replace(self, period_start=start, period_end=end)

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
        """Describe the current month and the credits it brings."""
        return PeriodOpened(
            team_id=self.team_id,
            source_ref=f"{self.plan}:{self.team_id}:{self.period_start.date().isoformat()}",
            kind="reset",
            credits=PLANS[self.plan].credits,
            period_start=self.period_start,
            period_end=self.period_end,
            plan=self.plan,
        )
