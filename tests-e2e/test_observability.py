"""Alerts and dashboards ask for what the running processes show; each alert has its page in the runbook."""

import asyncio
import json
import re
import runpy
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from e2e.house import House
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "deploy" / "observability"
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "prometheus" / "rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARDS = {
    path.stem: json.loads(path.read_text()) for path in (FOLDER / "grafana" / "dashboards").iterdir()
}
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^#|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
COMMANDS = sorted(set(re.findall(r"^python -m (.+)$", RUNBOOK, re.MULTILINE)))
PANELS = [
    (f"{name}: {panel['title']}", target["expr"].replace("$__rate_interval", "5m"))
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    for target in panel["targets"]
]
QUERIES = [(rule["alert"], rule["expr"]) for rule in RULES] + PANELS
BY_PROMETHEUS = {"job", "instance"}
"""Labels that whoever scrapes adds; and the metric that says whether it could."""


def inside(node: Any) -> Iterator[Any]:
    """Walk a query."""
    yield node
    for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
        if (part := getattr(node, name, None)) is not None:
            yield from inside(part)
    for part in getattr(node, "args", None) or ():
        yield from inside(part)


def asked(query: str) -> dict[str, set[str]]:
    """Return the metrics a query asks for, each with the labels it chooses or groups by."""
    nodes = list(inside(promql_parser.parse(query)))
    grouped = {
        label
        for node in nodes
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier
        for label in node.modifier.labels
    }
    selectors = [node for node in nodes if isinstance(node, promql_parser.VectorSelector)]
    return {one.name: grouped | {matcher.name for matcher in one.matchers.matchers} for one in selectors}


@pytest.fixture(scope="module")
async def exported(house: House) -> dict[str, set[str]]:
    """What all processes show after some work: each metric's name with its labels."""
    team = await house.team(credits_added=100)
    await team.end(await team.generate("for the dashboards", 1))
    found: dict[str, set[str]] = {"up": set()}
    async with httpx.AsyncClient() as client:
        for name in house.stack.processes():
            answer = await client.get(f"http://127.0.0.1:{house.stack.plan.ports[name]}/metrics")
            for family in text_string_to_metric_families(answer.text):
                names = family.name if family.type == "gauge" else f"{family.name}_total"
                found.setdefault(names, set())
                for sample in family.samples:
                    found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize(("name", "query"), QUERIES, ids=[name for name, _ in QUERIES])
def test_a_query_asks_for_what_is_there(exported: dict[str, set[str]], name: str, query: str):
    for metric, labels in asked(query).items():
        assert metric in exported
        known = exported[metric] | BY_PROMETHEUS
        assert labels <= known or not exported[metric], labels - known


def test_the_check_of_queries_sees_metrics_and_labels():
    query = 'sum by (queue) (rate(a_total{type="x"}[5m])) / max(b) > time() - c'
    assert asked(query) == {"a_total": {"queue", "type"}, "b": {"queue"}, "c": {"queue"}}


def test_no_metric_is_shown_that_nobody_looks_at(exported: dict[str, set[str]]):
    looked_at = {metric for _, query in QUERIES for metric in asked(query)}
    ours = {name for name in exported if name.startswith("atelier_") and not name.endswith("_created")}
    families = {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in ours}
    assert families == {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in looked_at if name in ours}


def test_every_metric_is_explained():
    table = (FOLDER / "README.md").read_text()
    asked_for = {metric for _, query in QUERIES for metric in asked(query) if metric.startswith("atelier_")}
    families = {re.sub(r"_(bucket|count|sum)$", "", metric) for metric in asked_for}
    assert {family for family in families if f"`{family}`" not in table} == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means_and_where_to_read_on(rule: dict[str, Any]):
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
    assert SECTIONS[rule["alert"]].strip()


def test_the_runbook_has_no_page_for_an_alert_that_is_gone():
    assert set(SECTIONS) == {rule["alert"] for rule in RULES}
    assert len(RULES) == len(SECTIONS)


def placeholders(command: str) -> set[str]:
    return set(re.findall(r"\b[A-Z]{2,}\b", command))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_runbook_exists_with_its_options(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    service, *verbs = [word for word in command.split(" --")[0].split() if not placeholders(word)]
    monkeypatch.setattr(sys, "argv", [service, *verbs, "--help"])
    monkeypatch.delitem(sys.modules, f"{service}.__main__", raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(service, run_name="__main__")
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert [option for option in re.findall(r"--[a-z-]+", command) if option not in said] == []


async def test_the_commands_of_the_runbook_that_need_no_name_work(house: House):
    plain = [command.split() for command in COMMANDS if not placeholders(command)]
    assert len(plain) > 15

    def failed(words: list[str]) -> str | None:
        done = house.stack.command(words[0], *words[1:])
        return f"{words}: {done.stdout}{done.stderr}" if done.returncode else None

    def all_failed() -> list[str]:
        with ThreadPoolExecutor(4) as pool:
            return [wrong for wrong in pool.map(failed, plain) if wrong]

    assert await asyncio.to_thread(all_failed) == []
    await house.is_settled()
