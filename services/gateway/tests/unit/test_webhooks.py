from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import uuid4

import pytest

from contracts import MESSAGES
from contracts.message import Fact
from gateway.adapters.inbound.http.bodies.events import EventType
from gateway.domain.public_events import NAMES, SHOWN, is_document
from gateway.domain.secrets import new_webhook_secret
from gateway.domain.webhooks import RETRIES, Answer, Endpoint, next_try

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NO = Answer(500, 12, error="Answered 500.")
YES = Answer(204, 12)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def endpoint() -> Endpoint:
    return Endpoint(uuid4(), uuid4(), "https://studio.example/hooks", "", (), "whsec_one", NOW)


def failing(times: int, since: datetime = NOW) -> Endpoint:
    found = endpoint()
    for _ in range(times):
        found = found.answered(NO, since)
    return found


def test_it_is_tried_for_a_day_less_and_less_often():
    waits = [next_try(n, NOW, spread=0) for n in range(1, 9)]
    seconds = [int((wait - NOW).total_seconds()) for wait in waits if wait]
    assert seconds == [5, 300, 1800, 7200, 18_000, 28_800, 28_800]
    assert waits[-1] is None
    assert timedelta(hours=23) < sum(RETRIES, timedelta()) < timedelta(hours=24)


def test_those_that_failed_together_are_not_tried_together():
    assert next_try(2, NOW, spread=0.5) == NOW + timedelta(seconds=315)


def test_a_new_secret_signs_at_once_and_the_old_one_for_a_day():
    rotated = endpoint().rotated("whsec_two", NOW)
    assert rotated.secrets(NOW) == ("whsec_two", "whsec_one")
    assert rotated.secrets(NOW + DAY) == ("whsec_two",)


def test_two_new_secrets_in_a_day_keep_both_old_ones():
    twice = endpoint().rotated("whsec_two", NOW).rotated("whsec_three", NOW + HOUR)
    assert twice.secrets(NOW + HOUR) == ("whsec_three", "whsec_two", "whsec_one")
    assert twice.secrets(NOW + DAY) == ("whsec_three", "whsec_two")


def test_what_is_gone_is_disabled_at_once():
    gone = endpoint().answered(Answer(410, 5, error="Answered 410."), NOW)
    assert (gone.disabled_at, gone.disabled_reason) == (NOW, "The endpoint answered 410: it is gone.")


def test_days_of_failure_disable_and_a_bad_day_does_not():
    assert failing(50).answered(NO, NOW + 2 * DAY).disabled_at is None
    given_up = failing(9).answered(NO, NOW + 3 * DAY)
    assert given_up.disabled_at == NOW + 3 * DAY
    assert given_up.disabled_reason == (
        "Nothing has been taken since 2026-11-22 12:00 UTC, in 10 tries. The last one: Answered 500."
    )


def test_a_few_failures_do_not_disable_however_far_apart():
    assert failing(8).answered(NO, NOW + 30 * DAY).disabled_at is None


def test_one_success_forgives_everything():
    forgiven = failing(50).answered(YES, NOW + 2 * DAY)
    assert (forgiven.failing_since, forgiven.failures) == (None, 0)


def test_enabling_starts_anew():
    again = failing(9).answered(NO, NOW + 3 * DAY).enabled()
    assert (again.disabled_at, again.disabled_reason, again.failing_since, again.failures) == (
        None,
        None,
        None,
        0,
    )


def test_a_secret_is_written_as_standard_webhooks_writes_it():
    assert new_webhook_secret().startswith("whsec_")
    assert new_webhook_secret() != new_webhook_secret()


def test_every_event_has_a_name_that_is_described_and_a_fact_that_is_public():
    assert set(get_args(EventType)) == set(SHOWN)
    assert len(NAMES) == len(SHOWN)
    for name, fact in SHOWN.items():
        assert issubclass(MESSAGES[fact.type], Fact)
        assert fact.public, name


@pytest.mark.parametrize(
    ("name", "document"), [("job.changed", True), ("account.low_balance", False), ("x", False)]
)
def test_a_newer_state_makes_an_older_one_pointless_but_no_notice_another(name: str, document: bool):
    assert is_document(name) is document
