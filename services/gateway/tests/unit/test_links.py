"""Signed links: used again while they are young, never longer than what they show."""

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from gateway.adapters.outbound.cloudfront import CloudFront
from gateway.adapters.outbound.links import SignedLinks
from gateway.settings import Settings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


def sign(key: str, now: datetime, until: datetime, name: str | None) -> str:
    return f"{key} {name or '-'} for {(until - now).total_seconds():.0f} at {now:%H:%M}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def links(clock) -> SignedLinks:
    return SignedLinks(sign, lambda *_: None, clock)


def test_a_link_is_used_again_for_half_of_its_life(links, clock):
    assert links.lend("k", None) == "k - for 3600 at 12:00"
    clock.now += timedelta(minutes=29)
    assert links.lend("k", None) == "k - for 3600 at 12:00"
    clock.now += timedelta(minutes=2)
    assert links.lend("k", None) == "k - for 3600 at 12:31"


def test_a_link_ends_with_its_object_and_then_there_is_none(links, clock):
    until = NOW + timedelta(seconds=100)
    assert links.lend("k", until) == "k - for 100 at 12:00"
    clock.now += timedelta(seconds=60)
    assert links.lend("k", until) == "k - for 40 at 12:01"
    clock.now += timedelta(seconds=40)
    assert links.lend("k", until) is None


def test_a_link_to_what_expires_sooner_now_is_made_anew(links):
    assert links.lend("k", None) == "k - for 3600 at 12:00"
    assert links.lend("k", NOW + timedelta(seconds=60)) == "k - for 60 at 12:00"


def test_to_show_and_to_save_are_two_links(links):
    assert links.lend("k", None, "a.jpg") == "k a.jpg for 3600 at 12:00"
    assert links.read("k") == "k - for 3600 at 12:00"


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def decoded(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "=").replace("~", "/"))


def test_a_cloudfront_link_is_signed_for_just_this_address_and_time(rsa_key):
    until = NOW + timedelta(hours=1)
    url = CloudFront("https://d1.cloudfront.net/", "K123", pem(rsa_key)).sign(
        "images/t/j/1.jpg", NOW, until, "a red coat.jpg"
    )
    query = parse_qs(urlsplit(url).query)
    assert query["response-content-disposition"] == ['attachment; filename="a red coat.jpg"']
    assert (query["Key-Pair-Id"], query["Expires"]) == (["K123"], [str(int(until.timestamp()))])
    resource = url.partition("&Expires=")[0]
    assert resource.startswith("https://d1.cloudfront.net/images/t/j/1.jpg?response-content-disposition=")
    condition = {"DateLessThan": {"AWS:EpochTime": int(until.timestamp())}}
    policy = {"Statement": [{"Resource": resource, "Condition": condition}]}
    canned = json.dumps(policy, separators=(",", ":")).encode()
    signature = decoded(query["Signature"][0])
    rsa_key.public_key().verify(signature, canned, PKCS1v15(), SHA1())
    with pytest.raises(InvalidSignature):
        rsa_key.public_key().verify(signature, canned.replace(b"1.jpg", b"2.jpg"), PKCS1v15(), SHA1())


def test_a_cloudfront_link_without_a_name_has_nothing_else_in_it(rsa_key):
    url = CloudFront("https://d1.cloudfront.net", "K123", pem(rsa_key)).sign("k", NOW, NOW, None)
    assert url.startswith("https://d1.cloudfront.net/k?Expires=")


def test_only_rsa_keys_sign_for_cloudfront():
    with pytest.raises(ValueError, match="RSA"):
        CloudFront("https://d1.cloudfront.net", "K123", pem(ec.generate_private_key(ec.SECP256R1())))


def test_half_a_cloudfront_is_an_error():
    given = {
        "database_url": "postgresql://x", "rabbitmq_url": "amqp://x", "smtp_url": "smtp://x",
        "s3_bucket": "x", "aws_access_key_id": "x", "aws_secret_access_key": "x",
    }  # fmt: skip
    with pytest.raises(ValidationError, match="belong together"):
        Settings(**given, cloudfront_url="https://d1.cloudfront.net")
