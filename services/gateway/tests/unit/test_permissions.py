from dataclasses import replace
from uuid import uuid4

import pytest

from gateway.domain.permissions import Caller, NotPermitted, Permission, Role, permissions_of


def caller(role: Role, scopes: list[str] | None = None) -> Caller:
    return Caller(uuid4(), uuid4(), role, permissions_of(role, scopes), per_minute=60)


@pytest.mark.parametrize(("role", "manages"), [(Role.OWNER, True), (Role.ADMIN, True), (Role.MEMBER, False)])
def test_owners_and_admins_manage_keys_and_members_do_not(role: Role, manages: bool):
    assert (Permission.MANAGE_KEYS in caller(role).permissions) is manages
    assert {Permission.READ, Permission.GENERATE, Permission.MODELS} <= caller(role).permissions


def test_a_key_may_do_what_its_scopes_say_and_never_manage_keys():
    key = caller(Role.OWNER, ["read", "manage_keys"])

    key.require(Permission.READ)
    with pytest.raises(NotPermitted):
        key.require(Permission.GENERATE)
    with pytest.raises(NotPermitted):
        key.require(Permission.MANAGE_KEYS)


def test_what_is_not_granted_is_refused():
    with pytest.raises(NotPermitted):
        replace(caller(Role.OWNER), permissions=frozenset()).require(Permission.READ)
