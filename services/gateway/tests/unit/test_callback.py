from datetime import UTC, datetime

import pytest

from gateway.domain.callback import InvalidSignature, SignedCall

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CALL = SignedCall("req-1", "user-1", str(int(NOW.timestamp())), "00ff", b"{}")


def test_what_is_signed_is_as_the_provider_documents_it():
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

    assert CALL.message() == f"req-1\nuser-1\n{CALL.timestamp}\n{digest}".encode()


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_of_delay_or_of_wrong_clocks_are_taken(seconds: int):
    shifted = SignedCall("r", "u", str(int(NOW.timestamp()) + seconds), "00", b"")

    shifted.check_age(NOW)


@pytest.mark.parametrize("timestamp", [str(int(NOW.timestamp()) - 301), "-1", "1e9", "", "٣", "9" * 40])
def test_older_calls_and_strange_times_are_refused(timestamp: str):
    with pytest.raises(InvalidSignature):
        SignedCall("r", "u", timestamp, "00", b"").check_age(NOW)


def test_a_signature_is_hexadecimal():
    with pytest.raises(InvalidSignature):
        SignedCall("r", "u", "1", "not hex", b"").signature_bytes()
