"""Webhook endpoints, and the events they are sent."""

from urllib.parse import urlsplit

from sandbox.stripe.account import API_VERSION, Account, Obj, new_id
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.listing import PAGING, page
from sandbox.stripe.routes import Call, Route, lister, reader

KIND = "webhook_endpoint"


def make(account: Account, url: str, events: list[str], secret: str | None = None) -> Obj:
    """Make an endpoint; its secret is kept beside it, because the API shows it only once."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise invalid("Invalid URL: An explicit scheme (such as https) must be provided.", param="url")
    endpoint = account.add(
        {
            "id": new_id("we"),
            "object": KIND,
            "api_version": API_VERSION,
            "application": None,
            "created": account.now(),
            "description": None,
            "enabled_events": events,
            "livemode": False,
            "metadata": {},
            "status": "enabled",
            "url": url,
        }
    )
    account.note(endpoint)["secret"] = secret or new_id("whsec", 32)
    return endpoint


def wants(endpoint: Obj, kind: str) -> bool:
    """Whether an endpoint is to hear of events of a type."""
    return endpoint["status"] == "enabled" and ({"*", kind} & set(endpoint["enabled_events"])) != set()


def _create(call: Call) -> Obj:
    params = call.params
    url, events = params.required("url"), params.texts("enabled_events")
    if not events:
        raise missing("enabled_events")
    endpoint = make(call.account, url, events)
    endpoint.update(
        api_version=params.text("api_version") or API_VERSION,
        description=params.text("description"),
        metadata=params.metadata(),
    )
    return endpoint | {"secret": call.account.note(endpoint)["secret"]}


def _update(call: Call) -> Obj:
    endpoint, params = call.account.get(KIND, call.key), call.params
    endpoint["url"] = params.text("url", endpoint["url"])
    endpoint["description"] = params.text("description", endpoint["description"])
    endpoint["enabled_events"] = params.texts("enabled_events") or endpoint["enabled_events"]
    endpoint["metadata"] = params.metadata(endpoint["metadata"])
    if "disabled" in params:
        endpoint["status"] = "disabled" if params.flag("disabled") else "enabled"
    return endpoint


def _delete(call: Call) -> Obj:
    call.account.remove(call.account.get(KIND, call.key))
    return {"id": call.key, "object": KIND, "deleted": True}


def _events(call: Call) -> Obj:
    params = call.params
    found = list(call.account.all("event"))
    kinds = params.texts("types")
    if kind := params.text("type"):
        kinds.append(kind)
    if kinds:
        found = [event for event in found if any(_matches(event["type"], wanted) for wanted in kinds)]
    return page(found, params, "/v1/events")


def _matches(kind: str, wanted: str) -> bool:
    return kind.startswith(wanted[:-1]) if wanted.endswith("*") else kind == wanted


_FIELDS = "url enabled_events description metadata"

ROUTES = [
    Route("POST", "/v1/webhook_endpoints", _create, f"api_version connect {_FIELDS}"),
    lister(KIND, "/v1/webhook_endpoints"),
    reader(KIND, "/v1/webhook_endpoints"),
    Route("POST", "/v1/webhook_endpoints/{}", _update, f"disabled {_FIELDS}"),
    Route("DELETE", "/v1/webhook_endpoints/{}", _delete),
    Route("GET", "/v1/events", _events, f"type types delivery_success {' '.join(PAGING)}"),
    reader("event", "/v1/events"),
]
