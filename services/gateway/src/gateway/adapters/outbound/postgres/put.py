"""How each kind of document is kept: one upsert for a batch, guarded by the version.

What was only announced is news once more when its fact comes, as an announcement tells nobody.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from chassis.statement import Statement, text
from contracts.billing import BillingChanged, PlanChanged, PlansChanged
from contracts.catalog import ModelChanged, ReferenceModelChanged
from contracts.credits import AccountChanged
from contracts.jobs import Cost, ExportChanged, JobChanged
from contracts.message import Document

Column = tuple[str, Callable[[Any], object]]


@dataclass(frozen=True, slots=True)
class Put:
    """The statement that keeps documents of one kind, how it begins, and the columns it takes from them."""

    insert: str
    statement: Statement
    columns: Mapping[str, Callable[[Any], object]]

    def values(self, documents: Sequence[Document]) -> dict[str, list[object]]:
        """Turn documents into one list a column, sorted so that two writers lock rows in the same order."""
        ordered = sorted(documents, key=lambda document: document.subject)
        return {name: [read(document) for document in ordered] for name, read in self.columns.items()}


def _put(
    table: str,
    key: str,
    types: Mapping[str, str],
    columns: Mapping[str, Callable[[Any], object]],
    also: str = "",
    keep: Collection[str] = (),
) -> Put:
    names = list(columns)
    arrays = ", ".join(f"cast(:{name} as {types.get(name, 'text')}[])" for name in names)
    news = "(t.version, not t.announced) < (excluded.version, not excluded.announced)"
    new = {
        name: f"coalesce(excluded.{name}, t.{name})" if name in keep else f"excluded.{name}" for name in names
    }
    changes = ", ".join(f"{name} = {value}" for name, value in new.items() if name != key) + also
    insert = f"""
        insert into gateway.{table} as t ({", ".join(names)}, announced)
        select *, cast(:announced as boolean) from unnest({arrays})
    """  # noqa: S608 - names of ours
    statement = f"""
        {insert}
        on conflict ({key}) do update set {changes}, announced = excluded.announced where {news}
        returning {key}
    """
    return Put(insert, text(statement), columns)


_TYPES = {
    "id": "uuid",
    "team_id": "uuid",
    "model_id": "uuid",
    "version": "bigint",
    "document": "jsonb",
    "uses": "bigint",
    "created_at": "timestamptz",
    "retired": "boolean",
    "reserved": "bigint",
    "per_minute": "int",
    "cost": "jsonb",
}
_DOCUMENT: dict[str, Callable[[Any], object]] = {
    "version": lambda document: document.version,
    "document": lambda document: document.model_dump_json(),
}
_OWNED: dict[str, Callable[[Any], object]] = _DOCUMENT | {
    "id": lambda document: document.id,
    "team_id": lambda document: document.team_id,
}


def _job_model(job: JobChanged) -> object:
    return job.recipe.model_id


def price(cost: Cost) -> str:
    """Write down what is held for a job, as the view keeps it."""
    shown = {"amount": cost.held, "unit_price": cost.unit_price, "price_version": cost.price_version}
    return orjson.dumps(shown).decode()


def _cost(job: JobChanged) -> str | None:
    return price(job.cost) if job.cost else None


def _model_words(model: ModelChanged) -> str:
    return f"{model.name}\n{model.description}".lower()


def _reference_words(model: ReferenceModelChanged) -> str:
    return "\n".join((model.name, model.description, *model.tags)).lower()


def _account(account: AccountChanged) -> str:
    return account.model_dump_json(exclude={"entries"})


PUTS: dict[type[Document], Put] = {
    ReferenceModelChanged: _put(
        "view_reference_models",
        "id",
        _TYPES,
        _DOCUMENT
        | {
            "id": lambda model: model.id,
            "category": lambda model: model.category,
            "name": lambda model: model.name,
            "words": _reference_words,
            "uses": lambda model: model.uses,
            "created_at": lambda model: model.created_at,
            "retired": lambda model: model.retired,
            "preview": lambda model: model.preview,
        },
    ),
    ModelChanged: _put(
        "view_models",
        "id",
        _TYPES,
        _OWNED
        | {
            "status": lambda model: model.status,
            "category": lambda model: model.category,
            "words": _model_words,
        },
    ),
    JobChanged: _put(
        "view_jobs",
        "id",
        _TYPES,
        _OWNED
        | {
            "operation": lambda job: job.operation.value,
            "status": lambda job: job.status,
            "model_id": _job_model,
            "cost": _cost,
            "created_at": lambda job: job.created_at,
        },
        also=", changed_at = clock_timestamp()",
        keep=("cost",),
    ),
    ExportChanged: _put("view_exports", "id", _TYPES, _OWNED | {"status": lambda export: export.status}),
    AccountChanged: _put(
        "view_accounts",
        "team_id",
        _TYPES,
        _DOCUMENT
        | {
            "team_id": lambda account: account.team_id,
            "reserved": lambda account: account.reserved,
            "document": _account,
        },
    ),
    BillingChanged: _put(
        "view_billing", "team_id", _TYPES, _DOCUMENT | {"team_id": lambda billing: billing.team_id}
    ),
    PlansChanged: _put("view_offers", "name", _TYPES, _DOCUMENT | {"name": lambda offers: offers.subject}),
    PlanChanged: _put(
        "view_plans",
        "team_id",
        _TYPES,
        _DOCUMENT | {"team_id": lambda plan: plan.team_id, "per_minute": lambda plan: plan.limits.per_minute},
    ),
}
