import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from jobs.adapters.outbound.callbacks import SignedCallbacks

ATTEMPT = UUID("0198b1e2-0000-7000-8000-000000000001")


def test_a_callback_carries_the_attempt_and_a_mac_of_it():
    url = urlsplit(SignedCallbacks("https://atelier.test/", "key").url(ATTEMPT))
    expected = hmac.new(b"key", str(ATTEMPT).encode(), hashlib.sha256).hexdigest()
    assert (url.netloc, url.path) == ("atelier.test", "/api/webhooks/fal")
    assert parse_qs(url.query) == {"attempt": [str(ATTEMPT)], "mac": [expected]}
    assert SignedCallbacks("https://atelier.test", "key").genuine(ATTEMPT, expected)


def test_a_callback_carries_the_trace_it_belongs_to():
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    url = urlsplit(SignedCallbacks("https://atelier.test", "key").url(ATTEMPT, trace))
    assert parse_qs(url.query)["trace"] == [trace]


@pytest.mark.parametrize("mac", ["", "0" * 64, "é"])
def test_a_made_up_mac_is_not_genuine(mac):
    assert not SignedCallbacks("https://atelier.test", "key").genuine(ATTEMPT, mac)


def test_a_mac_is_good_for_its_own_attempt_and_key_only():
    ours = SignedCallbacks("https://atelier.test", "key")
    (mac,) = parse_qs(urlsplit(ours.url(ATTEMPT)).query)["mac"]
    assert not ours.genuine(UUID(int=1), mac)
    assert not SignedCallbacks("https://atelier.test", "other").genuine(ATTEMPT, mac)


def test_there_is_no_mac_without_a_key():
    with pytest.raises(ValueError, match="empty"):
        SignedCallbacks("https://atelier.test", "")
