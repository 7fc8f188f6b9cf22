"""The manifests of deploy/kubernetes agree with Kubernetes' published schemas and with the services they run.

Kinds of other operators (KEDA, RabbitMQ, CloudNativePG, Prometheus) have no schema in any package index: the
fields they may have are written out here.
"""

import importlib
import runpy
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from fastapi import FastAPI

from chassis.health import Health
from chassis.http import install_operations
from chassis.service import STOPS_WITHIN
from contracts.topology import QUEUES
from gateway.adapters.inbound.deliverer import LAST_WORDS as DELIVERIES_END_WITHIN
from gateway.settings import Settings as ApiSettings
from jobs.adapters.inbound.workers import LAST_WORDS
from jobs.bootstrap import LAST_CALLS

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "deploy" / "kubernetes"
SERVICES = sorted(folder.parent.name for folder in (ROOT / "services").glob("*/pyproject.toml"))
KUBERNETES = "1.33.0"
OWN_STOP = {
    "gateway": ApiSettings.model_fields["drain_seconds"].default,
    "gateway-deliver": DELIVERIES_END_WITHIN,
    "jobs": LAST_CALLS + 2 * LAST_WORDS,
}
"""Seconds that a process takes to stop beyond what each does."""
Manifest = dict[str, Any]


def read(path: Path) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def built(folder: Path) -> list[Manifest]:
    """Read all that a kustomization names; ours only list, they change nothing but images and namespaces."""
    found: list[Manifest] = []
    for name in read(folder / "kustomization.yaml")[0]["resources"]:
        path = folder / name
        found += built(path) if path.is_dir() else read(path)
    return found


PROCESSES, TASKS = built(FOLDER), built(FOLDER / "migrations")
EXAMPLES = [one for path in sorted((FOLDER / "examples").glob("*.yaml")) for one in read(path)]
ALL = [*PROCESSES, *TASKS, *EXAMPLES]
OTHERS = {
    "ScaledObject": {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "cooldownPeriod", "triggers"},
    "TriggerAuthentication": {"secretTargetRef"},
    "PodMonitor": {"selector", "podMetricsEndpoints"},
    "RabbitmqCluster": {"replicas", "image", "persistence", "resources", "rabbitmq", "affinity"},
    "Cluster": {
        "instances", "imageName", "minSyncReplicas", "maxSyncReplicas", "storage", "walStorage", "resources",
        "postgresql", "bootstrap", "managed", "backup",
    },
    "ScheduledBackup": {"schedule", "cluster", "backupOwnerReference"},
}  # fmt: skip


def of(kind: str, manifests: list[Manifest] = ALL) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def titled(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


RUN = [*of("Deployment").values(), *of("Job").values()]
(SETTINGS,) = of("ConfigMap").values()
SECRETS = of("Secret", EXAMPLES)


def container(manifest: Manifest) -> Manifest:
    (only,) = manifest["spec"]["template"]["spec"]["containers"]
    return only


def told(manifest: Manifest) -> dict[str, str]:
    """Return the environment of a process."""
    return SETTINGS["data"] | {each["name"]: each["value"] for each in container(manifest)["env"]}


def labels(manifest: Manifest) -> dict[str, str]:
    return manifest["spec"]["template"]["metadata"]["labels"]


def settings_of(service: str) -> dict[str, Any]:
    fields = importlib.import_module(f"{service}.settings").Settings.model_fields
    return {name.upper(): field for name, field in fields.items()}


def test_every_file_is_named_by_a_kustomization():
    named = {folder / name for folder in (FOLDER, FOLDER / "migrations", FOLDER / "common")
             for name in read(folder / "kustomization.yaml")[0]["resources"]}  # fmt: skip
    files = {path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml"}
    assert {path.resolve() for path in named if path.is_file()} == files - set(
        (FOLDER / "examples").iterdir()
    )


@pytest.mark.parametrize("manifest", [one for one in ALL if one["kind"] not in OTHERS], ids=titled)
def test_a_manifest_follows_the_published_schema(manifest: Manifest):
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_the_schemas_refuse_what_is_misspelt():
    wrong = yaml.safe_load((FOLDER / "processes" / "catalog.yaml").read_text().split("---")[0])
    wrong["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


@pytest.mark.parametrize("manifest", [one for one in ALL if one["kind"] in OTHERS], ids=titled)
def test_a_manifest_of_another_operator_says_nothing_unknown(manifest: Manifest):
    assert set(manifest) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(manifest["spec"]) <= OTHERS[manifest["kind"]]


def test_each_process_of_each_service_is_deployed():
    run = {(container(one)["name"], container(one)["args"][0]) for one in of("Deployment").values()}
    assert run == {(service, "serve") for service in SERVICES} | {
        ("gateway", "project"),
        ("gateway", "deliver"),
    }
    tasks = {(container(one)["name"], container(one)["args"][0]) for one in of("Job").values()}
    own = {("billing", "sync-plans"), ("jobs", "prepare-bucket")}
    assert tasks == {(service, "migrate") for service in SERVICES} | own


@pytest.mark.parametrize("manifest", RUN, ids=titled)
def test_a_process_runs_a_command_of_its_service_in_the_service_s_image(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
):
    service, (verb,) = container(manifest)["name"], container(manifest)["args"]
    assert container(manifest)["image"] == f"atelier-{service}"
    monkeypatch.setattr(sys, "argv", [service, verb, "--help"])
    monkeypatch.delitem(sys.modules, f"{service}.__main__", raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(service, run_name="__main__")
    assert ended.value.code == 0


@pytest.mark.parametrize("manifest", RUN, ids=titled)
def test_a_process_is_told_settings_that_exist_and_all_that_it_needs(manifest: Manifest):
    service = container(manifest)["name"]
    known = settings_of(service)
    given = {name.removesuffix("_FILE") for name in told(manifest)}
    assert given <= set(known), given - set(known)
    assert {name for name, field in known.items() if field.is_required()} <= given


@pytest.mark.parametrize("manifest", RUN, ids=titled)
def test_secrets_are_read_from_files_and_from_nowhere_else(manifest: Manifest):
    service = container(manifest)["name"]
    files = {name: value for name, value in told(manifest).items() if name.endswith("_FILE")}
    assert set(SECRETS[service]["stringData"]) == {name.removesuffix("_FILE") for name in files}
    (mount,) = [one for one in container(manifest)["volumeMounts"] if one["name"] == "secrets"]
    for name, path in files.items():
        assert path == f"{mount['mountPath']}/{name.removesuffix('_FILE')}"
    (volume,) = [one for one in manifest["spec"]["template"]["spec"]["volumes"] if one["name"] == "secrets"]
    assert volume["secret"]["secretName"] == service
    assert not any(value for secret in SECRETS.values() for value in secret["stringData"].values())


@pytest.mark.parametrize("manifest", RUN, ids=titled)
def test_a_process_may_do_as_little_as_possible(manifest: Manifest):
    pod, only = manifest["spec"]["template"]["spec"], container(manifest)
    assert (pod["automountServiceAccountToken"], pod["securityContext"]["runAsUser"]) == (False, 10001)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(only["resources"]) == {"requests", "limits"}


@pytest.mark.parametrize("manifest", of("Deployment").values(), ids=titled)
def test_a_process_is_asked_where_it_answers(manifest: Manifest):
    app = FastAPI()
    install_operations(app, Health())
    served = {route.path for route in app.routes}
    only = container(manifest)
    assert [port["containerPort"] for port in only["ports"]] == [int(told(manifest)["HTTP_PORT"])]
    probes = {name: only[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert all(probe["path"] in served and probe["port"] == "http" for probe in probes.values())
    assert probes["livenessProbe"]["path"] == "/health/live"
    assert probes["readinessProbe"]["path"] == "/health/ready"


@pytest.mark.parametrize("manifest", of("Deployment").values(), ids=titled)
def test_a_process_is_replaced_and_disturbed_one_at_a_time(manifest: Manifest):
    name, selector = manifest["metadata"]["name"], manifest["spec"]["selector"]
    assert manifest["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    budget = of("PodDisruptionBudget")[name]["spec"]
    assert budget == {"maxUnavailable": 1, "selector": selector}
    assert selector["matchLabels"].items() <= labels(manifest).items()
    grace = manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > STOPS_WITHIN + OWN_STOP.get(name, 0.0)


def test_each_process_is_scaled_by_one_rule_at_most_and_never_below_two():
    queues, load = of("ScaledObject"), of("HorizontalPodAutoscaler")
    assert set(queues) & set(load) == set()
    assert set(queues) | set(load) == set(of("Deployment")) - {"gateway-project"}  # one of its replicas works
    least = [one["spec"]["minReplicaCount"] for one in queues.values()]
    least += [one["spec"]["minReplicas"] for one in load.values()]
    least += [of("Deployment")["gateway-project"]["spec"]["replicas"]]
    assert min(least) == 2


def test_processes_are_scaled_by_the_queues_they_consume():
    known = {queue.name for queue in QUEUES}
    for name, scaled in of("ScaledObject").items():
        triggers = [one for one in scaled["spec"]["triggers"] if one["type"] == "rabbitmq"]
        queues = {trigger["metadata"]["queueName"] for trigger in triggers}
        assert queues == {queue for queue in known if queue.startswith(f"{name}.")}
        for trigger in triggers:
            (source,) = of("TriggerAuthentication")[trigger["authenticationRef"]["name"]]["spec"][
                "secretTargetRef"
            ]
            assert (source["name"], source["key"]) == (name, "RABBITMQ_URL")
            assert source["key"] in SECRETS[name]["stringData"]


def chooses(selector: Manifest, pod: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= pod.items()
    found = {
        "In": lambda rule: pod.get(rule["key"]) in rule["values"],
        "DoesNotExist": lambda rule: rule["key"] not in pod,
    }
    return wanted and all(found[rule["operator"]](rule) for rule in selector.get("matchExpressions", ()))


def ports_out(pod: dict[str, str]) -> set[int]:
    policies = [
        one["spec"] for one in of("NetworkPolicy").values() if chooses(one["spec"]["podSelector"], pod)
    ]
    rules = [rule for policy in policies for rule in policy.get("egress", ())]
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_nothing_is_reached_that_is_not_named():
    closed = of("NetworkPolicy")["nothing"]["spec"]
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    own = {53, 5432, 5672, 4318}
    out = {one["metadata"]["name"]: ports_out(labels(one)) - own for one in RUN}
    assert all(ports_out(labels(one)) >= own for one in RUN)
    outside = {name: ports for name, ports in out.items() if ports}
    assert outside == {
        "gateway": {80, 443, 465, 587},
        "gateway-deliver": {80, 443},
        "jobs": {443},
        "jobs-prepare-bucket": {443},
        "billing": {443},
        "billing-sync-plans": {443},
    }


def test_no_way_out_leads_to_private_addresses():
    for policy in of("NetworkPolicy").values():
        for rule in policy["spec"].get("egress") or ():
            for place in rule.get("to", ()):
                if "ipBlock" in place:
                    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(
                        place["ipBlock"]["except"]
                    )


def test_clients_reach_the_api_and_not_the_operators_addresses():
    ((rule,),) = [one["spec"]["rules"] for one in of("Ingress").values()]
    leads = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    assert leads == {"/": "gateway", "/metrics": "nowhere", "/health": "nowhere"}
    assert "selector" not in of("Service")["nowhere"]["spec"]
    assert chooses(
        {"matchLabels": of("Service")["gateway"]["spec"]["selector"]}, labels(of("Deployment")["gateway"])
    )
    (monitored,) = of("PodMonitor").values()
    watched = {one["metadata"]["name"] for one in RUN if chooses(monitored["spec"]["selector"], labels(one))}
    assert watched == set(of("Deployment"))


def test_every_service_has_a_role_and_a_schema_of_its_own_in_the_example():
    (cluster,) = of("Cluster").values()
    assert [role["name"] for role in cluster["spec"]["managed"]["roles"]] == [
        "gateway", "credits", "jobs", "catalog", "billing",
    ]  # fmt: skip
    said = cluster["spec"]["bootstrap"]["initdb"]["postInitApplicationSQL"]
    for service in SERVICES:
        assert f"create role {service} login" in said
        assert f"create schema {service} authorization {service}" in said
