"""The files that deploy Atelier in containers agree with the services they deploy."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from atelier_local.testcontainers import POSTGRES, RABBITMQ

ROOT = Path(__file__).parent.parent
SERVICES = sorted(folder.parent.name for folder in (ROOT / "services").glob("*/pyproject.toml"))
TEXT = (ROOT / "compose.yaml").read_text()
# As Compose reads it where nothing is set: ${NAME:-default}.
COMPOSE = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", TEXT))["services"]
OURS = {name: made for name, made in COMPOSE.items() if "build" in made}
MIGRATIONS = {f"{service}-migrate" for service in SERVICES}
OBSERVING = {name for name, made in COMPOSE.items() if "profiles" in made}
PROCESSES = {name: made for name, made in OURS.items() if made["build"]["args"]["SERVICE"] in SERVICES}


def waits_for(name, condition):
    return {other for other, how in COMPOSE[name]["depends_on"].items() if how["condition"] == condition}


def test_every_service_is_deployed_and_nothing_else():
    built = {made["build"]["args"]["SERVICE"] for made in OURS.values()}
    assert built == {*SERVICES, "sandbox"}
    tasks = {"billing-sync-plans", "jobs-prepare-bucket"}
    expected = {*SERVICES, *MIGRATIONS, *tasks, "gateway-deliver", "gateway-project"}
    assert set(PROCESSES) == expected
    beside = {"postgres", "rabbitmq", "sandbox", "trust", *OBSERVING}
    assert set(COMPOSE) - set(PROCESSES) == beside


def test_every_image_is_made_by_the_one_recipe():
    assert {made["build"]["dockerfile"] for made in OURS.values()} == {"deploy/Dockerfile"}
    for made in OURS.values():
        assert made["image"] == f"atelier-{made['build']['args']['SERVICE']}:local"


def test_nothing_runs_before_everything_is_migrated():
    for name in {*SERVICES, "gateway-deliver", "gateway-project"}:
        assert waits_for(name, "service_completed_successfully") >= MIGRATIONS, name
    for name in MIGRATIONS:
        assert waits_for(name, "service_healthy") == {"postgres", "rabbitmq"}, name


def test_what_is_waited_for_can_be_healthy():
    for name in COMPOSE:
        for other in waits_for(name, "service_healthy") if "depends_on" in COMPOSE[name] else ():
            own_check = COMPOSE[other].get("healthcheck", {}).get("test")
            assert own_check or "build" in COMPOSE[other], other


def test_whoever_wants_to_look_starts_the_profile_and_sees_every_process():
    assert {name: COMPOSE[name]["profiles"] for name in OBSERVING} == {
        "prometheus": ["observability"],
        "grafana": ["observability"],
    }
    config = yaml.safe_load((ROOT / "deploy/observability/prometheus/prometheus.yaml").read_text())
    watched = {
        job["job_name"]: target
        for job in config["scrape_configs"]
        for one in job["static_configs"]
        for target in one["targets"]
    }
    serving = {name for name, made in PROCESSES.items() if made.get("restart")}
    assert watched == {f"atelier-{name}": f"{name}:8000" for name in serving}
    mounted = [volume.split(":")[0] for name in OBSERVING for volume in COMPOSE[name]["volumes"]]
    assert all((ROOT / path).exists() for path in mounted if path.startswith("./"))


@pytest.mark.parametrize("recipe", ["deploy/Dockerfile"])
def test_the_recipe_passes_the_linter_of_recipes(recipe):
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([linter, ROOT / recipe], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_ports_are_open_on_the_loopback_address_only():
    ports = [port for made in COMPOSE.values() for port in made.get("ports", ())]
    assert len(ports) == 8
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_a_process_gets_the_settings_it_needs(name, monkeypatch):
    made = PROCESSES[name]
    service = made["build"]["args"]["SERVICE"]
    for variable, value in made["environment"].items():
        monkeypatch.setenv(variable, value)
    settings = importlib.import_module(f"{service}.settings").Settings()
    assert settings.database_url.startswith(f"postgresql://{service}:")


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_a_process_runs_a_command_its_service_has(name):
    made = PROCESSES[name]
    command = ["-m", made["build"]["args"]["SERVICE"], *made.get("command", ["serve"]), "--help"]
    asked = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr


def test_every_service_has_a_role_and_a_schema_of_its_own():
    script = (ROOT / "deploy/compose/init.sql").read_text()
    assert sorted(re.findall(r"^create role (\w+) login", script, re.MULTILINE)) == SERVICES
    assert sorted(re.findall(r"^create schema (\w+) authorization \1;", script, re.MULTILINE)) == SERVICES
    passwords = dict(re.findall(r"^\\getenv (\w+) (\w+)", script, re.MULTILINE))
    for service in SERVICES:
        password = COMPOSE["postgres"]["environment"][passwords[service]]
        assert f"//{service}:{password}@" in COMPOSE[service]["environment"]["DATABASE_URL"]


def test_the_sandbox_knows_the_keys_of_those_who_call_it():
    sandbox = COMPOSE["sandbox"]["environment"]
    keys = json.loads(sandbox["SANDBOX_S3_KEYS"])
    for service in ("gateway", "jobs"):
        environment = COMPOSE[service]["environment"]
        secret = environment["AWS_SECRET_ACCESS_KEY"]
        assert keys[environment["AWS_ACCESS_KEY_ID"]] == {"secret": secret, "policy": service}
        assert environment["S3_BUCKET"] == sandbox["SANDBOX_S3_BUCKET"]
    assert COMPOSE["jobs"]["environment"]["FAL_KEY"] == sandbox["SANDBOX_FAL_KEY"]


def test_the_nodes_are_those_the_tests_run_on():
    assert (COMPOSE["postgres"]["image"], COMPOSE["rabbitmq"]["image"]) == (POSTGRES, RABBITMQ)
