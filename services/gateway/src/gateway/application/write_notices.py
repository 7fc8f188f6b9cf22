"""Write to those who want to hear of something by letter."""

from collections.abc import Iterable
from datetime import datetime

from contracts.credits import LowBalance
from contracts.message import Message
from gateway.application.ports import Work
from gateway.domain.letters import low_balance
from gateway.domain.people import Topic


async def write_notices(work: Work, news: Iterable[Message], site: str, now: datetime) -> None:
    """Write of each low balance to the members of its team who want that."""
    for low in news:
        if isinstance(low, LowBalance):
            for member in await work.teams.members(low.team_id):
                if Topic.LOW_BALANCE in member.notices:
                    letter = low_balance(member.team.name, low.spendable, low.threshold, f"{site}/credits")
                    await work.post.write(member.user.email, letter, now)
