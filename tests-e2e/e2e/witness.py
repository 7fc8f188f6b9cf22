"""Remembers every message of a whole run, and finds in what was written down what must not be there."""

import re

from atelier_local.provision import SERVICES
from atelier_local.stack import Stack

CARDS = r"sk_test_\w+|whsec_\w+|_secret_\w+|4242 ?4242 ?4242 ?4242|pm_card_\w+"
KEPT = (
    "billing.stripe_events",
    "billing.overviews",
    "gateway.requests",
    "gateway.view_billing",
    "gateway.event_log",
)
# A row leaves the outbox when it is sent: what was parked, or sent and forgotten, has been there too.
WATCH = """
create schema witness;
create table witness.said (service text, type text, body text);
create function witness.note() returns trigger language plpgsql security definer as $$
begin
    insert into witness.said values (tg_table_schema, new.type, encode(new.payload, 'escape') || new.headers);
    return null;
end $$;
"""
TRIGGER = "create trigger witness after insert on {}.outbox for each row execute function witness.note();"


def watch(stack: Stack) -> None:
    """Remember from now on whatever any service says."""
    triggers = "\n".join(TRIGGER.format(service) for service in SERVICES)
    stack.nodes.postgres.sql(WATCH + triggers, stack.plan.database)


def heard(stack: Stack) -> set[str]:
    """Return the types of all messages of one service or another so far."""
    return set(_rows(stack, "select distinct type from witness.said"))


def secrets_found(stack: Stack) -> list[str]:
    """Say where a secret or a card was written down: in a log, a message or a row."""
    own = (re.escape(value) for name, value in stack.plan.keys.items() if not name.endswith("_access"))
    pattern = "|".join([CARDS, *own])
    logs = [path for path in (stack.plan.folder / "logs").glob("*.log") if path.stem != "sandbox"]
    found = [path.name for path in logs if re.search(pattern, path.read_text())]
    found += _rows(
        stack, f"select distinct service || ' said ' || type from witness.said where body ~ '{pattern}'"
    )
    for table in KEPT:
        found += _rows(stack, f"select distinct '{table}' from {table} t where cast(t as text) ~ '{pattern}'")
    return found


def _rows(stack: Stack, sql: str) -> list[str]:
    return stack.nodes.postgres.sql(sql, stack.plan.database).split("\n")[:-1]
