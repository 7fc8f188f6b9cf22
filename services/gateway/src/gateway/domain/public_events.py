"""The events that clients see: what each public fact is called to them."""

from contracts.billing import PlanChanged
from contracts.catalog import ModelChanged
from contracts.credits import AccountChanged, LowBalance
from contracts.gateway import WebhookEndpointDisabled
from contracts.jobs import ExportChanged, ImagesExpiring, JobChanged
from contracts.message import Document, Fact

SHOWN: dict[str, type[Fact]] = {
    "job.changed": JobChanged,
    "model.changed": ModelChanged,
    "account.changed": AccountChanged,
    "account.low_balance": LowBalance,
    "plan.changed": PlanChanged,
    "export.changed": ExportChanged,
    "images.expiring": ImagesExpiring,
    "webhook_endpoint.disabled": WebhookEndpointDisabled,
}
NAMES = {fact.type: name for name, fact in SHOWN.items()}
PING = "webhook_endpoint.ping"
"""What is sent when a client tries an endpoint; it is in no log."""


def is_document(name: str) -> bool:
    """Tell whether a newer event of this name makes an older one about the same subject pointless."""
    return name in SHOWN and issubclass(SHOWN[name], Document)
