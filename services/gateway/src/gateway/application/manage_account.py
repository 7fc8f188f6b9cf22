"""Look at, change and delete one's own account."""

from collections.abc import Collection
from dataclasses import replace

from gateway.application.close_team import end_team
from gateway.application.identity import Identity
from gateway.application.ports import Work
from gateway.application.verify_email import ask_verification
from gateway.domain import letters
from gateway.domain.activity import Act
from gateway.domain.asks import NotFound
from gateway.domain.people import EmailTaken, Topic, User, check_leaving
from gateway.domain.permissions import Caller


async def rename_account(caller: Caller, name: str, identity: Identity) -> None:
    """Give a person another name."""
    async with identity.transaction() as work:
        user = await _user(work, caller)
        await work.users.change(replace(user, name=name), identity.clock())
        await work.activity.note(Act.ACCOUNT_RENAMED, caller)


async def choose_notices(caller: Caller, topics: Collection[Topic], identity: Identity) -> None:
    """Note what a person wants letters about from the team they act for."""
    async with identity.transaction() as work:
        await work.teams.want(caller.team_id, caller.user_id, topics)


async def change_email(caller: Caller, email: str, password: str, identity: Identity) -> None:
    """Send a link to another address; it becomes the account's once the link is followed.

    Raises WrongPassword, TooManyAttempts, EmailTaken.
    """
    async with identity.transaction() as work:
        user = await _user(work, caller)
    await identity.check_password(user, password, caller.address)
    now = identity.clock()
    async with identity.transaction() as work:
        if await work.users.by_email(email) is not None:
            raise EmailTaken
        await ask_verification(work, user, email, identity.site, now)
        await work.post.write(user.email, letters.address_changing(user.name, email), now)
        await work.activity.note(Act.EMAIL_CHANGE_ASKED, caller)


async def delete_account(caller: Caller, password: str, identity: Identity) -> None:
    """Delete a person, and the teams where nobody else is; the address can sign up again.

    Raises WrongPassword, TooManyAttempts, HandOverFirst.
    """
    async with identity.transaction() as work:
        user = await _user(work, caller)
    await identity.check_password(user, password, caller.address)
    now = identity.clock()
    async with identity.transaction() as work:
        for team_id in sorted(one.team.id for one in await work.teams.of_user(user.id)):
            await work.teams.lock(team_id)
            if check_leaving(user.id, await work.teams.members(team_id)):
                await end_team(work, team_id, now)
                continue
            await work.keys.revoke_of(team_id, user.id, now)
            await work.teams.leave(team_id, user.id)
            await work.activity.note(Act.MEMBER_LEFT, replace(caller, team_id=team_id), user.id)
        await work.users.erase(user.id, now)


async def _user(work: Work, caller: Caller) -> User:
    if (user := await work.users.by_id(caller.user_id)) is None:
        raise NotFound("user")
    return user
