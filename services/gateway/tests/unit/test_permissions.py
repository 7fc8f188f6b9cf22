from dataclasses import replace
from uuid import uuid4

import pytest

from contracts.orders import Operation
from gateway.domain.permissions import (
    RULES,
    STOPS,
    Caller,
    EmailNotVerified,
    NotPermitted,
    Permission,
    Role,
    Scope,
    permissions_of,
)

WORK = {"read", "generate", "models"}
ADMINISTRATION = {"billing", "manage_team", "manage_webhooks", "see_activity"}


def caller(role: Role, scopes: list[str] | None = None) -> Caller:
    return Caller(uuid4(), uuid4(), role, permissions_of(role, scopes and tuple(scopes)), per_minute=60)


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        (Role.MEMBER, WORK | {"own_account"}),
        (Role.ADMIN, WORK | ADMINISTRATION | {"manage_keys", "own_account"}),
        (Role.OWNER, WORK | ADMINISTRATION | {"manage_keys", "close_team", "own_account"}),
    ],
)
def test_each_role_may_do_this_and_nothing_else(role: Role, permissions: set[str]):
    assert caller(role).permissions == permissions


@pytest.mark.parametrize(
    ("scope", "permissions"),
    [
        ("read", {"read"}),
        ("generate", {"generate"}),
        ("models", {"models"}),
        ("billing", {"billing"}),
        ("admin", {"manage_team", "manage_webhooks", "see_activity"}),
    ],
)
def test_each_scope_lets_a_key_do_this_and_nothing_else(scope: str, permissions: set[str]):
    assert caller(Role.OWNER, [scope]).permissions == permissions


def test_a_key_never_may_more_than_its_maker():
    assert caller(Role.MEMBER, ["read", "billing", "admin"]).permissions == {"read"}


def test_no_key_makes_keys_closes_a_team_or_acts_on_an_account():
    key = caller(Role.OWNER, list(Scope))
    for permission in (Permission.MANAGE_KEYS, Permission.CLOSE_TEAM, Permission.OWN_ACCOUNT):
        with pytest.raises(NotPermitted):
            key.require(permission)


def test_every_permission_has_a_rule_and_every_operation_one_that_stops_it():
    assert set(RULES) == set(Permission)
    assert set(STOPS) == set(Operation)


def test_one_of_several_permissions_is_enough():
    caller(Role.OWNER, ["models"]).require(Permission.GENERATE, Permission.MODELS)
    with pytest.raises(NotPermitted, match="'generate' or 'models'"):
        caller(Role.OWNER, ["read"]).require(Permission.GENERATE, Permission.MODELS)


def test_who_must_verify_an_address_first_does_not_spend():
    with pytest.raises(EmailNotVerified):
        replace(caller(Role.OWNER), may_spend=False).require_verified()
