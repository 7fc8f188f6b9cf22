"""Whatever is set wrongly ends a process at its start, with one line that says which setting it is."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from chassis.settings import ServiceSettings, load

DOCUMENTED = (Path(__file__).parent.parent / "docs" / "settings.md").read_text()
PROCESSES = {
    "gateway": "Settings",
    "gateway project": "ProjectorSettings",
    "gateway deliver": "DelivererSettings",
    "jobs": "Settings",
    "billing": "Settings",
    "credits": "Settings",
    "catalog": "Settings",
}
SHARED_BY_OTHERS = {"OutwardSettings"}
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
}
CLOUDFRONT = {"CLOUDFRONT_URL": "https://d1.cloudfront.net", "CLOUDFRONT_KEY_PAIR_ID": "K1"}
WORDS = {
    "DATABASE_URL": "mysql://h/d",
    "RABBITMQ_URL": "127.0.0.1:5672",
    "HTTP_HOST": "",
    "HTTP_PORT": "70000",
    "PUBLIC_URL": "atelier.example",
    "LOG_LEVEL": "loud",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318",
    "TRUSTED_NETWORKS": "10.0.0.0/40",
    "TRACE_RATIO": "2",
    "CLOUDFRONT_URL": "d1.cloudfront.net",
    "CLOUDFRONT_PRIVATE_KEY": "-----BEGIN RSA PRIVATE KEY-----\nbroken\n-----END RSA PRIVATE KEY-----",
    "FAL_JWKS_URL": "rest.fal.ai/keys",
    "S3_PUBLIC_ENDPOINT": "ftp://127.0.0.1",
    "S3_ENDPOINT": "127.0.0.1:9000",
    "S3_BUCKET": "",
    "AWS_REGION": "",
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "SMTP_URL": "smtp://127.0.0.1:many",
    "MAIL_FROM": "nobody",
    "REQUIRE_VERIFIED_EMAIL": "perhaps",
    "CALLBACK_KEY": "short",
    "FAL_KEY": "",
    "FAL_QUEUE_RUN_HOST": "https://queue.fal.run",
    "STRIPE_API_BASE": "api.stripe.com",
}
"""What is wrong for a setting that is no number; of numbers, -1 and words are."""
ANY_TEXT = {"CLOUDFRONT_KEY_PAIR_ID", "STRIPE_WEBHOOK_SECRET", "STRIPE_SECRET_KEY"}
"""What others give out; only they can say whether it is right."""


def settings_of(process: str) -> type[ServiceSettings]:
    found: type[ServiceSettings] = getattr(
        import_module(f"{process.split()[0]}.settings"), PROCESSES[process]
    )
    return found


def names_of(process: str) -> list[str]:
    return [name.upper() for name in settings_of(process).model_fields]


def wrong() -> Iterator[tuple[str, str, str]]:
    """Give every setting of every process each value that is wrong for it."""
    for process in PROCESSES:
        for name in names_of(process):
            for value in () if name in ANY_TEXT else [WORDS[name]] if name in WORDS else ["-1", "many"]:
                yield process, name, value


REQUIRED = [
    (process, name.upper())
    for process in PROCESSES
    for name, field in settings_of(process).model_fields.items()
    if field.is_required()
]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which everything is right."""
    for name in {name for process in PROCESSES for name in names_of(process)}:
        monkeypatch.delenv(name, raising=False)
    for name, value in RIGHT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refused(process: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Start a process in vain, and return what it says."""
    with pytest.raises(SystemExit) as ended:
        load(settings_of(process))
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    return said.err


def test_every_process_is_listed_here():
    for service in {process.split()[0] for process in PROCESSES}:
        module = import_module(f"{service}.settings")
        made = {
            name
            for name, kind in vars(module).items()
            if isinstance(kind, type)
            and issubclass(kind, ServiceSettings)
            and kind.__module__ == module.__name__
        }
        listed = {name for process, name in PROCESSES.items() if process.split()[0] == service}
        assert made - SHARED_BY_OTHERS == listed


def test_every_setting_of_every_process_is_documented():
    sections = re.split(r"^## (.+)$", DOCUMENTED, flags=re.MULTILINE)[1:]
    described = {
        process: re.findall(r"^\| `(\w+)` \| .+ \| (?=\S)", table, flags=re.MULTILINE)
        for process, table in zip(sections[::2], sections[1::2], strict=True)
    }
    assert described == {process: names_of(process) for process in described.keys() | PROCESSES.keys()}


@pytest.mark.parametrize("process", PROCESSES)
def test_right_settings_are_taken(process: str, given: pytest.MonkeyPatch):
    assert load(settings_of(process)).database_url == RIGHT["DATABASE_URL"]


@pytest.mark.parametrize(("process", "name"), REQUIRED)
def test_a_missing_setting_is_named(
    process: str, name: str, given: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    given.delenv(name)
    assert refused(process, capsys) == f"setting {name}: Field required\n"


@pytest.mark.parametrize(
    ("process", "name", "value"), list(wrong()), ids=lambda given: given[:40].split("\n")[0]
)
def test_a_wrong_setting_is_refused_in_one_line(
    process: str, name: str, value: str, given: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for other, right in CLOUDFRONT.items() if name == "CLOUDFRONT_PRIVATE_KEY" else ():
        given.setenv(other, right)
    given.setenv(name, value)
    said = refused(process, capsys)
    assert [line.split(":")[0] for line in said.splitlines()] == [f"setting {name}"]
    assert value in ("", "-1", "many") or value not in said


@pytest.mark.parametrize("host", ["queue.fal.run", "127.0.0.1:8443", "[::1]:8443"])
def test_fals_queue_is_a_host_with_or_without_a_port(host: str, given: pytest.MonkeyPatch):
    given.setenv("FAL_QUEUE_RUN_HOST", host)
    assert settings_of("jobs")().model_dump()["fal_queue_run_host"] == host


@pytest.mark.parametrize(
    "host", ["", ":443", "a@queue.fal.run", "queue.fal.run/fal", "queue.fal.run:0", "h:x"]
)
def test_what_is_no_host_is_refused(host: str, given: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    given.setenv("FAL_QUEUE_RUN_HOST", host)
    assert refused("jobs", capsys).startswith("setting FAL_QUEUE_RUN_HOST: ")


@pytest.mark.parametrize("process", PROCESSES)
def test_every_needed_setting_may_come_from_a_file(process: str, given: pytest.MonkeyPatch, tmp_path: Path):
    right = load(settings_of(process))
    for name in [name for of, name in REQUIRED if of == process]:
        (tmp_path / name).write_text(f"{RIGHT[name]}\n")
        given.delenv(name)
        given.setenv(f"{name}_FILE", str(tmp_path / name))
    assert load(settings_of(process)) == right
