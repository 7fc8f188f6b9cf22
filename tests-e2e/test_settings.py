"""Whatever is set wrongly ends a process at its start, with one line that says which setting it is."""

from importlib import import_module

import pytest

from chassis.settings import load

RIGHT = {
    "DATABASE_URL": "postgresql://a:b@127.0.0.1:9/d",
    "RABBITMQ_URL": "amqp://a:b@127.0.0.1:9/v",
    "HTTP_PORT": "0",
    "S3_BUCKET": "atelier",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "SMTP_URL": "smtp://127.0.0.1:9",
    "FAL_KEY": "id:secret",
    "CALLBACK_KEY": "sixteen letters!",
    "CLOUDFRONT_URL": "https://d1.cloudfront.net",
    "CLOUDFRONT_KEY_PAIR_ID": "K1",
}
CLOUDFRONT = ("CLOUDFRONT_URL", "CLOUDFRONT_KEY_PAIR_ID")
SHARED = {
    "DATABASE_URL": "mysql://h/d",
    "RABBITMQ_URL": "127.0.0.1:5672",
    "HTTP_PORT": "70000",
    "PUBLIC_URL": "atelier.example",
    "LOG_LEVEL": "loud",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318",
    "TRUSTED_NETWORKS": "10.0.0.0/40",
    "TRACE_RATIO": "2",
    "DATABASE_POOL": "none",
}
OWN = {
    "gateway": {
        "CLOUDFRONT_PRIVATE_KEY": "-----BEGIN RSA PRIVATE KEY-----\nbroken\n-----END RSA PRIVATE KEY-----",
        "FAL_JWKS_URL": "rest.fal.ai/keys",
        "S3_PUBLIC_ENDPOINT": "ftp://127.0.0.1",
        "S3_BUCKET": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "SMTP_URL": "smtp://127.0.0.1:many",
        "MAIL_FROM": "nobody",
        "WEBHOOK_PATIENCE": "-5",
    },
    "jobs": {"CALLBACK_KEY": "short", "S3_ENDPOINT": "127.0.0.1:9000", "FAL_KEY": "", "RETENTION": "-1"},
    "billing": {"STRIPE_API_BASE": "api.stripe.com"},
    "credits": {"QUOTE_LIFETIME": "0"},
    "catalog": {},
}
WRONG = [(service, *pair) for service, own in OWN.items() for pair in (SHARED | own).items()]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which everything is right."""
    for name in SHARED.keys() | {name for own in OWN.values() for name in own} | RIGHT.keys():
        monkeypatch.delenv(name, raising=False)
    for name, value in RIGHT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize("service", OWN)
def test_right_settings_are_taken(service: str, given: pytest.MonkeyPatch):
    for name in CLOUDFRONT:
        given.delenv(name)
    assert load(import_module(f"{service}.settings").Settings).database_url == RIGHT["DATABASE_URL"]


@pytest.mark.parametrize(("service", "name", "value"), WRONG, ids=lambda given: given[:40].split("\n")[0])
def test_a_wrong_setting_is_refused_in_one_line(
    service: str, name: str, value: str, given: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for other in CLOUDFRONT if name != "CLOUDFRONT_PRIVATE_KEY" else ():
        given.delenv(other)
    given.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        load(import_module(f"{service}.settings").Settings)
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert [line.split(":")[0] for line in said.err.splitlines()] == [f"setting {name}"]
    assert not value or value not in said.err
