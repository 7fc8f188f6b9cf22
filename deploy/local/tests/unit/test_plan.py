import json
import socket

import pytest

from atelier_local.notes import read_note
from atelier_local.plan import PROCESSES, SANDBOX, make_plan, processes


class Postgres:
    def dsn(self, database, role):
        return f"postgresql://{role}@here/{database}"


class RabbitMQ:
    def url(self, vhost):
        return f"amqp://here/{vhost}"


class Servers:
    postgres, rabbitmq = Postgres(), RabbitMQ()


@pytest.fixture
def plan(tmp_path):
    return make_plan(tmp_path, shared=True)


def environment(plan, name, overrides=None):
    known = {process.name: process for process in processes(("door" in plan.ports and 2) or 1)}
    return plan.environment(known[name], Servers(), overrides or {})


@pytest.mark.parametrize("name", [process.name for process in PROCESSES])
def test_nothing_of_the_callers_environment_leaks_in(plan, monkeypatch, name):
    for variable in ("PGHOST", "AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTPS_PROXY", "http_proxy", "PYTHONPATH"):
        monkeypatch.setenv(variable, "the caller's")
    assert "the caller's" not in environment(plan, name).values()


def test_each_service_gets_its_own_role_and_the_keys_it_uses(plan):
    jobs, credits, gateway = (environment(plan, name) for name in ("jobs", "credits", "gateway"))
    assert jobs["DATABASE_URL"] == f"postgresql://jobs@here/{plan.database}"
    assert "FAL_KEY" not in credits
    assert "CALLBACK_KEY" not in gateway
    assert jobs["AWS_ACCESS_KEY_ID"] != gateway["AWS_ACCESS_KEY_ID"]
    assert "STRIPE_SECRET_KEY" not in gateway


def test_the_sandbox_accepts_the_keys_the_services_have(plan):
    sandbox = environment(plan, SANDBOX.name)
    accepted = json.loads(sandbox["SANDBOX_S3_KEYS"])
    for owner in ("jobs", "gateway"):
        own = environment(plan, owner)
        assert accepted[own["AWS_ACCESS_KEY_ID"]] == {"secret": own["AWS_SECRET_ACCESS_KEY"], "policy": owner}
    assert sandbox["SANDBOX_FAL_KEY"] == environment(plan, "jobs")["FAL_KEY"]


def test_billing_and_the_gateway_share_keys_with_stripe(plan):
    sandbox, billing, gateway = (environment(plan, name) for name in ("sandbox", "billing", "gateway"))
    assert billing["STRIPE_API_BASE"] == f"http://127.0.0.1:{plan.ports['stripe']}"
    assert billing["STRIPE_SECRET_KEY"] == sandbox["SANDBOX_STRIPE_KEY"]
    assert gateway["STRIPE_WEBHOOK_SECRET"] == sandbox["SANDBOX_STRIPE_WEBHOOK_SECRET"]
    assert sandbox["SANDBOX_STRIPE_WEBHOOK_URL"] == f"{plan.url}/api/webhooks/stripe"


def test_a_plan_of_before_learns_new_keys(tmp_path, plan):
    file = tmp_path / "state" / "stack.json"
    note = read_note(file)
    del note["keys"]["stripe"]
    file.write_text(json.dumps(note))
    again = make_plan(tmp_path, shared=True).keys
    assert again["stripe"].startswith("sk_test_")
    assert again["fal"] == plan.keys["fal"]
    assert read_note(file)["keys"] == again


def test_overrides_reach_one_process_or_all(plan):
    overrides = {"*": {"LOG_LEVEL": "DEBUG"}, "jobs": {"FAL_KEY": "wrong"}}
    assert environment(plan, "jobs", overrides)["FAL_KEY"] == "wrong"
    assert environment(plan, "credits", overrides)["LOG_LEVEL"] == "DEBUG"


def test_the_plan_is_kept(tmp_path, plan):
    assert make_plan(tmp_path, shared=True) == plan


def test_a_port_that_somebody_took_is_chosen_anew(tmp_path, plan):
    with socket.create_server(("127.0.0.1", plan.ports["jobs"])):
        again = make_plan(tmp_path, shared=True)
    assert again.ports["jobs"] != plan.ports["jobs"]
    assert again.keys == plan.keys
    assert read_note(tmp_path / "state" / "stack.json")["ports"] == again.ports


def test_the_usual_port_is_taken_only_when_free(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert make_plan(tmp_path / "a", shared=False, gateway_port=port).ports["gateway"] != port
    assert make_plan(tmp_path / "b", shared=False, gateway_port=port).ports["gateway"] == port


def test_two_of_each_have_ports_of_their_own_and_one_address(tmp_path):
    pair = make_plan(tmp_path, shared=True, replicas=2)
    assert pair.url == f"http://127.0.0.1:{pair.ports['door']}"
    first, second = (environment(pair, name) for name in ("gateway-1", "gateway-2"))
    assert first["HTTP_PORT"] != second["HTTP_PORT"]
    assert first["PUBLIC_URL"] == second["PUBLIC_URL"] == pair.url
    door = environment(pair, "door")
    assert door["DOOR_PORT"] == str(pair.ports["door"])
    assert door["DOOR_TO"].split(",") == [first["HTTP_PORT"], second["HTTP_PORT"]]
    assert "sandbox-2" not in pair.ports


def test_a_gateway_drains_only_where_somebody_routes_past_it(tmp_path, plan):
    pair = make_plan(tmp_path / "pair", shared=True, replicas=2)
    assert float(environment(pair, "gateway-1")["DRAIN_SECONDS"]) > 0
    assert float(environment(plan, "gateway")["DRAIN_SECONDS"]) == 0


def test_what_is_set_for_a_role_reaches_each_replica_and_what_is_set_for_one_that_one(tmp_path):
    pair = make_plan(tmp_path, shared=True, replicas=2)
    overrides = {"jobs": {"FAL_KEY": "all"}, "jobs-2": {"FAL_KEY": "second"}}
    assert environment(pair, "jobs-1", overrides)["FAL_KEY"] == "all"
    assert environment(pair, "jobs-2", overrides)["FAL_KEY"] == "second"
