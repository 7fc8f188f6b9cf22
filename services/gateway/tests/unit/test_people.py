from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from gateway.application.close_team import next_look
from gateway.domain import letters
from gateway.domain.people import (
    HandOverFirst,
    LastOwner,
    Membership,
    OwnersOnly,
    Team,
    User,
    check_leaving,
    check_removal,
    check_role_change,
)
from gateway.domain.permissions import Role
from gateway.domain.secrets import csrf_token, is_csrf_token
from gateway.domain.throttle import neighbourhood

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OWNER, ADMIN, MEMBER = Role.OWNER, Role.ADMIN, Role.MEMBER


def membership(role: Role, user_id: UUID | None = None) -> Membership:
    user = User(user_id or uuid4(), "ada@example.com", "Ada", "hash")
    return Membership(user, Team(uuid4(), "Studio"), role)


@pytest.mark.parametrize(
    ("by", "now", "wanted", "owners", "refused"),
    [
        (OWNER, MEMBER, OWNER, 1, None),
        (OWNER, OWNER, MEMBER, 2, None),
        (ADMIN, MEMBER, ADMIN, 1, None),
        (ADMIN, ADMIN, MEMBER, 1, None),
        (OWNER, OWNER, ADMIN, 1, LastOwner),
        (ADMIN, MEMBER, OWNER, 1, OwnersOnly),
        (ADMIN, OWNER, MEMBER, 2, OwnersOnly),
        (OWNER, OWNER, OWNER, 1, None),
    ],
)
def test_owners_decide_about_owners_and_one_always_stays(by, now, wanted, owners, refused):
    if refused is None:
        check_role_change(by, now, wanted, owners)
        return
    with pytest.raises(refused):
        check_role_change(by, now, wanted, owners)


def test_everybody_may_leave_but_the_last_owner():
    check_removal(MEMBER, MEMBER, 1, leaves=True)
    check_removal(OWNER, OWNER, 2, leaves=True)
    with pytest.raises(LastOwner):
        check_removal(OWNER, OWNER, 1, leaves=True)
    with pytest.raises(OwnersOnly):
        check_removal(ADMIN, OWNER, 2, leaves=False)


def test_a_team_ends_with_its_last_member_and_is_handed_over_before():
    ada = uuid4()
    assert check_leaving(ada, [membership(OWNER, ada)]) is True
    assert check_leaving(ada, [membership(MEMBER, ada), membership(OWNER)]) is False
    assert check_leaving(ada, [membership(OWNER, ada), membership(OWNER)]) is False
    with pytest.raises(HandOverFirst):
        check_leaving(ada, [membership(OWNER, ada), membership(ADMIN)])


def test_a_letter_is_one_subject_line_and_harmless_html_whatever_names_contain():
    letter = letters.invitation("<b>Eve\r\nBcc: all@example.com", "Studio\nX", "https://a.example/?t=1&u=2")

    assert letter.subject == "Join Studio X at Atelier"
    assert "<b>" not in letter.html
    assert '<a href="https://a.example/?t=1&amp;u=2">' in letter.html
    assert "https://a.example/?t=1&u=2" in letter.text


def test_delivery_is_tried_eight_times_over_seventeen_hours_and_then_given_up():
    times = [letters.next_attempt(attempt, NOW) for attempt in range(1, 9)]
    waits = [(time - NOW).total_seconds() for time in times if time]

    assert waits == [5, 30, 120, 600, 3600, 14400, 43200]
    assert times[-1] is None


def test_traces_of_a_closed_team_are_looked_for_ever_more_rarely_for_a_month():
    looks = [next_look(NOW, NOW + age) for age in (timedelta(0), timedelta(hours=4), timedelta(days=30))]

    assert looks == [NOW + timedelta(seconds=2), NOW + timedelta(hours=6), None]


def test_a_form_is_made_for_one_session():
    assert is_csrf_token(csrf_token("one"), "one")
    assert not is_csrf_token(csrf_token("one"), "two")
    assert not is_csrf_token("ü", "one")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("unknown", "unknown"),
    ],
)
def test_addresses_that_one_person_can_have_many_of_count_as_one(address: str, counted: str):
    assert neighbourhood(address) == counted
