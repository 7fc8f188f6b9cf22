from ipaddress import ip_network
from pathlib import Path

import pytest

from chassis.settings import ServiceSettings, load

GIVEN = {"DATABASE_URL": "postgresql://a:b@h/d", "RABBITMQ_URL": "amqp://a:b@h/v", "HTTP_PORT": "8001"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch):
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRUSTED_NETWORKS", "127.0.0.0/8, 10.0.0.0/8")
    settings = load(ServiceSettings)
    assert settings.http_port == 8001
    assert settings.trusted_networks == (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "dsn").write_text("postgresql://from:file@h/d\n")
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "dsn"))
    assert load(ServiceSettings).database_url == "postgresql://from:file@h/d"


def test_what_is_missing_or_wrong_is_named_in_one_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("HTTP_PORT", "many")
    with pytest.raises(SystemExit) as end:
        load(ServiceSettings)
    assert end.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["setting DATABASE_URL", "setting HTTP_PORT"]


def test_a_file_that_is_not_there_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("DATABASE_URL_FILE", "/nowhere/dsn")
    with pytest.raises(SystemExit) as end:
        load(ServiceSettings)
    assert end.value.code == 2
    assert capsys.readouterr().err == "setting in a file: No such file or directory: /nowhere/dsn\n"
