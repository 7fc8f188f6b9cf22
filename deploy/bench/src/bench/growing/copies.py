"""Which tables are copied, for whom, and what depends on how many came before.

A copy is a real row with ids and moments of its own. Sums cannot be copied: they follow from the copy's
place in its team (`k`, from 1) and from how many jobs the team has (`jobs`). Columns are never named but
where such a sum stands in one, so a migration that adds some is followed by itself.
"""

from collections.abc import Mapping

TEAMS = [
    "gateway.teams",
    "gateway.users",
    "gateway.memberships",
    "gateway.api_keys",
    "gateway.activity",
    "gateway.team_slots",
    "gateway.view_accounts",
    "gateway.view_plans",
    "gateway.view_credit_entries",
    "gateway.view_jobs",
    "billing.customers",
    "billing.subscriptions",
    "billing.grants",
    "credits.accounts",
    "credits.buckets",
    "credits.grants",
    "credits.requests",
    "credits.holds",
    "credits.hold_allocations",
    "credits.key_spend",
    "credits.ledger_transactions",
    "credits.ledger_entries",
    "jobs.plans",
    "jobs.jobs",
    "jobs.attempts",
    "catalog.uses",
]
MODELS = [
    "gateway.view_models",
    "catalog.trainings",
    "catalog.models",
    "jobs.models",
    "jobs.model_versions",
    "jobs.weights",
]
JOBS = [
    "gateway.view_jobs",
    "gateway.view_images",
    "gateway.view_credit_entries",
    "gateway.event_log",
    "credits.requests",
    "credits.holds",
    "credits.hold_allocations",
    "credits.ledger_transactions",
    "credits.ledger_entries",
    "jobs.jobs",
    "jobs.attempts",
    "catalog.uses",
]

# What a job costs and how many versions of the account it takes stand in `cost` and `versions`.
# The original had its one job already.
_SPENT_BEFORE, _VERSIONS_BEFORE = "(j.k - 1) * cost", "(j.k - 1) * versions"
_SPENT, _VERSIONS = "(t.jobs - 1) * cost", "(t.jobs - 1) * versions"


def _set(**columns: str) -> str:
    return "jsonb_build_object(" + ", ".join(f"'{name}', {value}" for name, value in columns.items()) + ")"


def _of(name: str, change: str = "", within: str = "r") -> str:
    return f"cast({within} ->> '{name}' as bigint){change}"


_ENTRY = _set(
    version=_of("version", f" + {_VERSIONS_BEFORE}"),
    balance_after=_of("balance_after", f" - {_SPENT_BEFORE}"),
)
_DOCUMENT = "r -> 'document'"
OF_JOBS: Mapping[str, str] = {
    "credits.ledger_transactions": _ENTRY,
    "credits.ledger_entries": _set(
        balance_after=_of("balance_after")
        + f" + case r ->> 'side' when 'spendable' then -{_SPENT_BEFORE} when 'spent' then {_SPENT_BEFORE}"
        " else 0 end"
    ),
    "credits.requests": _set(spendable=_of("spendable", f" - {_SPENT_BEFORE}")),
    "gateway.view_credit_entries": f"{_ENTRY} || {_set(document=f'({_DOCUMENT}) || {_ENTRY}')}",
    "gateway.event_log": _set(seq="base + j.n * parts + place"),
}
OF_TEAMS: Mapping[str, str] = {
    "credits.accounts": _set(
        version=_of("version", f" + {_VERSIONS}"),
        spendable=_of("spendable", f" - {_SPENT}"),
        spent=_of("spent", f" + {_SPENT}"),
    ),
    "credits.buckets": _set(
        remaining=f"case when r ->> 'closed_at' is null then {_of('remaining', f' - {_SPENT}')} else 0 end"
    ),
    "credits.key_spend": _set(amount=_of("amount", f" + {_SPENT}")),
    "gateway.api_keys": _set(secret_hash="to_jsonb(sha256(convert_to('atl_growth' || t.n, 'UTF8')))"),  # noqa: S106 - no secret at all
    "gateway.view_accounts": _set(
        version=_of("version", f" + {_VERSIONS}"),
        document=f"({_DOCUMENT}) || "
        + _set(
            version=_of("version", f" + {_VERSIONS}"),
            available=_of("available", f" - {_SPENT}", f"({_DOCUMENT})"),
            buckets=f"jsonb_build_array(({_DOCUMENT} -> 'buckets' -> 0) || "
            + _set(remaining=_of("remaining", f" - {_SPENT}", f"({_DOCUMENT} -> 'buckets' -> 0)"))
            + ")",
        ),
    ),
}
