import json
from datetime import UTC, datetime, timedelta

import pytest
from libs.client.tests.samples import event
from standardwebhooks.webhooks import Webhook

from atelier import Forged, verify_webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps(event(7))


def headers(at, body=BODY, secret=SECRET):
    signature = Webhook(secret).sign("msg_1", at, body)
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": signature,
    }


def test_a_genuine_webhook_is_read():
    found = verify_webhook(SECRET, headers(datetime.now(UTC)), BODY.encode())
    assert (found.seq, found.type) == (7, "job.changed")


@pytest.mark.parametrize(
    "change",
    [
        {"Webhook-Signature": "v1,AAAA"},
        {"Webhook-Signature": "nonsense"},
        {"Webhook-Id": "msg_2"},
        {"Webhook-Timestamp": "soon"},
        {"Webhook-Timestamp": str(int((datetime.now(UTC) - timedelta(hours=1)).timestamp()))},
    ],
)
def test_what_is_changed_or_old_is_forged(change):
    with pytest.raises(Forged):
        verify_webhook(SECRET, headers(datetime.now(UTC)) | change, BODY)


def test_another_body_is_forged():
    with pytest.raises(Forged):
        verify_webhook(SECRET, headers(datetime.now(UTC)), BODY.replace("7", "8"))


def test_no_headers_are_forged():
    with pytest.raises(Forged):
        verify_webhook(SECRET, {}, b"\xff\xfe")
