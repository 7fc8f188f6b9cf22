"""Each message of the bus in a few words."""

from collections.abc import Callable
from typing import Any

from contracts import billing, catalog, credits, gateway, jobs
from contracts.message import Message
from contracts.orders import Operation
from contracts.topology import QUEUES

OPERATIONS = {
    Operation.CREATE_MODEL: "create model",
    Operation.REFINE_MODEL: "refine model",
    Operation.GENERATE_IMAGES: "generate images",
}
BAR = 10


def hearers(message: Message) -> list[str]:
    """Tell which services hear a message, by what their queues are bound to."""
    found = {
        queue.name.partition(".")[0]
        for queue in QUEUES
        if any(_matches(key, message.routing_key) for key in (*queue.commands, *queue.facts))
    }
    return sorted(found)


def short_name(message: Message) -> str:
    """Name a message without its owner and version: `job-changed`."""
    return message.type.split(".")[1]


def describe(message: Message) -> str:
    """Say the gist of a message; what has no words of its own is described by its subject."""
    say = WORDS.get(type(message))
    return say(message) if say else message.subject


def bar(percent: int) -> str:
    """Draw how far something is."""
    done = percent * BAR // 100
    return f"{'▓' * done}{'░' * (BAR - done)} {percent:3d} %"


def _matches(binding: str, key: str) -> bool:
    stem = binding.removesuffix(".#")
    return key == stem or (stem != binding and key.startswith(f"{stem}."))


def _hold(message: credits.HoldCredits) -> str:
    orders = ", ".join(f"{OPERATIONS[order.operation]} x {order.quantity}" for order in message.orders)
    ceiling = message.terms.max_credits
    return f"{orders}{f', at most {ceiling} credits' if ceiling else ''}"


def _held(message: credits.CreditsHeld) -> str:
    total = sum(hold.amount for hold in message.holds)
    return f"{total} credits, to {OPERATIONS[message.holds[0].order.operation]}"


def _settled(message: credits.CreditsSettled) -> str:
    back = f", {message.released} given back" if message.released else ""
    return f"{message.captured} of {message.held} credits charged{back}"


def _account(message: credits.AccountChanged) -> str:
    lines = ", ".join(f"{entry.kind} {entry.amount or -entry.charged:+d}" for entry in message.entries)
    return f"{message.available} free, {message.reserved} reserved{f' ({lines})' if lines else ''}"


def _job(message: jobs.JobChanged) -> str:
    if message.receipt:
        return f"{message.status}, {message.receipt.captured} credits"
    if message.progress and message.status == "processing":
        return _progress(message.progress)
    return f"{message.status}{f': {message.code}' if message.code else ''}"


def _progress(progress: jobs.Progress) -> str:
    """Draw the progress over all steps: a step begun is worth what those before it are."""
    whole = (100 * (progress.step - 1) + progress.percent) // progress.steps
    return f"{bar(whole)} {progress.label.replace('_', ' ')}"


def _model(message: catalog.ModelChanged) -> str:
    active = f", version {message.active_version} active" if message.active_version else ""
    training = f", {message.training.number} in training" if message.training else ""
    return f"{message.status}{active}{training}"


def _plan(message: billing.PlanChanged) -> str:
    limits = message.limits
    return f"{message.plan}: {limits.running} running, {limits.open} open, {limits.per_minute}/min"


WORDS: dict[type[Message], Callable[[Any], str]] = {
    billing.PeriodOpened: lambda m: f"{m.credits} credits until {m.period_end:%Y-%m-%d} ({m.plan})",
    billing.PlanChanged: _plan,
    catalog.ModelChanged: _model,
    catalog.PreviewPublished: lambda m: f"a picture, {len(m.data) * 3 // 4:,} bytes",
    catalog.ReferenceModelChanged: lambda m: f"“{m.name}”, used {m.uses} times",
    credits.AccountChanged: _account,
    credits.CaptureCredits: lambda m: (
        f"charge {m.quantity} delivered {'unit' if m.quantity == 1 else 'units'}"
    ),
    credits.CreditsHeld: _held,
    credits.CreditsSettled: _settled,
    credits.HoldCredits: _hold,
    credits.HoldDeclined: lambda m: f"{m.code}: {m.required} needed, {m.spendable} there",
    credits.ReleaseCredits: lambda m: f"give everything back: {m.reason}",
    gateway.TeamOpened: lambda m: f"“{m.name}”",
    jobs.CancelJob: lambda m: f"job {str(m.job_id)[-6:]}",
    jobs.JobChanged: _job,
    jobs.JobsRefused: lambda m: f"{m.code}: {m.detail}",
    jobs.ProviderCallback: lambda m: f"the provider answers, {len(m.body):,} bytes",
}
