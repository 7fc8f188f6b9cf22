"""The control API over fal: faults, timing, what was submitted, what was delivered."""

from typing import Any

from aiohttp import web
from pydantic import TypeAdapter

from sandbox.bodies import changed, parsed, shown
from sandbox.fal.account import Account
from sandbox.fal.faults import Rule
from sandbox.fal.records import Submit
from sandbox.fal.webhooks import Delivery

_RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])


def control_routes(account: Account) -> list[web.RouteDef]:
    """Return the routes that steer the fal account given."""
    control = _Control(account)
    return [
        web.get("/health", control.health),
        web.post("/reset", control.reset),
        web.get("/faults", control.get_faults),
        web.put("/faults", control.put_faults),
        web.delete("/faults", control.delete_faults),
        web.get("/timing", control.get_timing),
        web.put("/timing", control.put_timing),
        web.get("/requests", control.list_requests),
        web.get("/requests/{request_id}", control.get_request),
        web.get("/deliveries", control.list_deliveries),
        web.post("/deliveries/{delivery_id}/redeliver", control.redeliver),
        web.post("/webhooks/flush", control.flush),
        web.delete("/files", control.delete_files),
    ]


class _Control:
    def __init__(self, account: Account) -> None:
        self._account = account

    async def health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def reset(self, _: web.Request) -> web.Response:
        await self._account.reset()
        return web.Response(status=204)

    async def get_faults(self, _: web.Request) -> web.Response:
        return web.json_response([rule.model_dump() for rule in self._account.faults.rules])

    async def put_faults(self, request: web.Request) -> web.Response:
        self._account.faults.rules = await parsed(request, _RULES.validate_json)
        return await self.get_faults(request)

    async def delete_faults(self, _: web.Request) -> web.Response:
        self._account.faults.rules = []
        return web.Response(status=204)

    async def get_timing(self, _: web.Request) -> web.Response:
        return shown(self._account.studio.timing)

    async def put_timing(self, request: web.Request) -> web.Response:
        self._account.set_timing(await changed(request, self._account.studio.timing))
        return await self.get_timing(request)

    async def list_requests(self, request: web.Request) -> web.Response:
        """List the POSTs, oldest first: `?endpoint= ?state= ?webhook_contains=`; `?summary=1` counts."""
        found = [submit for submit in self._account.records if _wanted(submit, request)]
        if request.query.get("summary"):
            return web.json_response(self._summary(found))
        return web.json_response([self._described(submit) for submit in found])

    async def get_request(self, request: web.Request) -> web.Response:
        wanted = request.match_info["request_id"]
        found = [submit for submit in self._account.records if submit.request_id == wanted]
        if not found:
            raise web.HTTPNotFound(text="no such request")
        more = {"input": found[0].input, "logs": found[0].logs}
        return web.json_response(self._described(found[0]) | more)

    async def list_deliveries(self, request: web.Request) -> web.Response:
        """List the webhooks, oldest first: `?request_id=`, `?state=`."""
        wanted = request.query.get("request_id"), request.query.get("state")
        return web.json_response(
            [
                _delivery(delivery)
                for delivery in self._account.webhooks
                if wanted[0] in {None, delivery.request_id} and wanted[1] in {None, delivery.state}
            ]
        )

    async def redeliver(self, request: web.Request) -> web.Response:
        delivery = self._account.webhooks.find(request.match_info["delivery_id"])
        if delivery is None:
            raise web.HTTPNotFound(text="no such delivery")
        return web.json_response(_delivery(await self._account.webhooks.redeliver(delivery)))

    async def flush(self, _: web.Request) -> web.Response:
        return web.json_response({"flushed": self._account.webhooks.flush()})

    async def delete_files(self, _: web.Request) -> web.Response:
        self._account.studio.media.forget()
        return web.Response(status=204)

    def _described(self, submit: Submit) -> dict[str, Any]:
        outcome = submit.outcome
        return {
            "endpoint": submit.endpoint,
            "request_id": submit.request_id,
            "webhook_url": submit.webhook_url,
            "prompt": submit.prompt,
            "state": submit.state,
            "answer": submit.answer,
            "faults": [fault.name for fault in submit.faults],
            "posts": self._account.records.posts(submit),
            "ran": submit.started_at is not None,
            "cancel_seen": submit.cancelled.is_set(),
            "status": outcome.status if outcome else None,
            "error_type": outcome.error_type if outcome else None,
            "billable": submit.billable_units > 0,
            "billable_units": submit.billable_units,
            "start_timeout": submit.start_timeout,
            "traceparent": submit.traceparent,
            "submitted_at": submit.submitted_at,
            "started_at": submit.started_at,
            "completed_at": submit.completed_at,
        }

    def _summary(self, found: list[Submit]) -> dict[str, int]:
        return {
            "posts": len(found),
            "accepted": sum(submit.request_id is not None for submit in found),
            "refused": sum(submit.request_id is None for submit in found),
            "ran": sum(submit.started_at is not None for submit in found),
            "queued": sum(submit.state == "IN_QUEUE" for submit in found),
            "running": sum(submit.state == "IN_PROGRESS" for submit in found),
            "completed": sum(submit.state == "COMPLETED" for submit in found),
            "billable": sum(submit.billable_units > 0 for submit in found),
            "repeated": len(found) - len({submit.identity for submit in found}),
        }


def _wanted(submit: Submit, request: web.Request) -> bool:
    query = request.query
    return (
        query.get("endpoint") in {None, submit.endpoint}
        and query.get("state") in {None, submit.state}
        and query.get("webhook_contains", "") in (submit.webhook_url or "")
    )


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "request_id": delivery.request_id,
        "url": delivery.url,
        "state": delivery.state,
        "copy": delivery.copy,
        "faults": [fault.name for fault in delivery.faults],
        "attempts": delivery.attempts,
        "created_at": delivery.created_at,
    }
