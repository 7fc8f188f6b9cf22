from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from gateway.domain.requests import KeyReused, Kind, Request, sign_up_scope

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TEAM = uuid4()
EARLIER = Request(uuid4(), Kind.GENERATE, TEAM, TEAM, uuid4(), uuid4(), b"same", NOW, key="k")


def again(**changes: object) -> Request:
    return replace(EARLIER, id=uuid4(), created_at=NOW + timedelta(hours=1), **changes)


def test_the_same_body_with_the_same_key_repeats_the_request():
    assert again().repeats(EARLIER)


@pytest.mark.parametrize("changes", [{"body_hash": b"other"}, {"kind": Kind.CREATE_MODEL}])
def test_another_request_with_the_same_key_is_refused(changes: dict[str, object]):
    with pytest.raises(KeyReused):
        again(**changes).repeats(EARLIER)


def test_a_key_is_free_again_after_a_day():
    tomorrow = again(body_hash=b"other")

    assert not replace(tomorrow, created_at=NOW + timedelta(hours=24)).repeats(EARLIER)


def test_two_addresses_do_not_share_their_keys():
    assert sign_up_scope("ada@example.com") == sign_up_scope("ada@example.com")
    assert sign_up_scope("ada@example.com") != sign_up_scope("bob@example.com")
