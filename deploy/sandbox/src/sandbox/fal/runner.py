"""The account's queue: who waits, who runs, and how each request ends."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from itertools import chain
from typing import Any

from sandbox.fal.endpoints import ENDPOINTS
from sandbox.fal.outcomes import ModelError, Outcome, model_error, request_error
from sandbox.fal.records import Submit, now
from sandbox.fal.studio import Studio

_log = logging.getLogger(__name__)
_MESSAGES = {
    "content_policy_violation": "The content was flagged by a content checker.",
    "downstream_service_error": "Downstream service error",
    "internal_server_error": "Internal server error",
}


class Runner:
    """Runs accepted requests in order, as many at once as the account may."""

    def __init__(self, studio: Studio, announce: Callable[[Submit], None]) -> None:
        self._studio = studio
        self._announce = announce
        self._normal: deque[Submit] = deque()
        self._low: deque[Submit] = deque()
        self._expiries: dict[Submit, asyncio.TimerHandle] = {}
        self._running: dict[Submit, asyncio.Task[None]] = {}

    def enqueue(self, submit: Submit) -> None:
        """Put an accepted request in line."""
        (self._low if submit.low_priority else self._normal).append(submit)
        if submit.start_timeout is not None:
            timer = asyncio.get_running_loop().call_later(submit.start_timeout, self._expire, submit)
            self._expiries[submit] = timer
        self.pump()

    def position(self, submit: Submit) -> int:
        """How many are before it in line."""
        if submit in self._normal:
            return self._normal.index(submit)
        return len(self._normal) + (self._low.index(submit) if submit in self._low else 0)

    def cancel(self, submit: Submit) -> None:
        """Take a waiting request out of the line; ask a running one to stop."""
        submit.cancelled.set()
        if submit.state == "IN_QUEUE":
            self._leave_line(submit)
            self._complete(submit, _cancelled())

    def pump(self) -> None:
        """Start what may start."""
        while len(self._running) < self._studio.timing.concurrency:
            waiting = chain(self._normal, self._low)
            submit = next((one for one in waiting if one.fault("never_starts") is None), None)
            if submit is None:
                return
            self._leave_line(submit)
            self._start(submit)

    async def clear(self) -> None:
        """Forget everything, running or not, without a word to anyone."""
        for submit in [*self._normal, *self._low]:
            self._leave_line(submit)
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _leave_line(self, submit: Submit) -> None:
        (self._low if submit.low_priority else self._normal).remove(submit)
        if (timer := self._expiries.pop(submit, None)) is not None:
            timer.cancel()

    def _expire(self, submit: Submit) -> None:
        """End a request whose start timeout has passed: it never runs."""
        self._leave_line(submit)
        seconds = submit.start_timeout
        self._complete(submit, request_error("request_timeout", f"Request did not start within {seconds:g}s"))

    def _start(self, submit: Submit) -> None:
        submit.state = "IN_PROGRESS"
        submit.started_at = now()
        task = asyncio.get_running_loop().create_task(self._run(submit))
        self._running[submit] = task
        task.add_done_callback(lambda done: self._stopped(submit, done))

    def _stopped(self, submit: Submit, task: asyncio.Task[None]) -> None:
        del self._running[submit]
        if not task.cancelled() and (reason := task.exception()) is not None:
            _log.error("request %s broke", submit.request_id, exc_info=reason)
            self._complete(submit, request_error("internal_error", "Internal error"))
        self.pump()

    async def _run(self, submit: Submit) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        outcome = await self._unless_cancelled(submit, self._work(submit))
        submit.inference_seconds = round(loop.time() - began, 4)
        self._complete(submit, outcome)

    async def _unless_cancelled(self, submit: Submit, work: Coroutine[Any, Any, Outcome]) -> Outcome:
        if submit.fault("cancel_ignored") is not None:
            return await work
        working = asyncio.ensure_future(work)
        cancelled = asyncio.ensure_future(submit.cancelled.wait())
        try:
            await asyncio.wait({working, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return await working
            await asyncio.sleep(self._studio.timing.cancel_seconds)
            return _cancelled()
        finally:
            working.cancel()
            cancelled.cancel()

    async def _work(self, submit: Submit) -> Outcome:
        clock = asyncio.ensure_future(self._clock(submit))
        try:
            if (wanted := _wanted(submit)) is None:
                outcome = await ENDPOINTS[submit.endpoint].run(submit, self._studio)
                await clock
            else:
                await clock
                outcome = wanted
        except ModelError as refused:
            return refused.outcome()
        finally:
            clock.cancel()
        return outcome

    async def _clock(self, submit: Submit) -> None:
        """Let the time of a run pass and write its progress into the log."""
        endpoint = ENDPOINTS[submit.endpoint]
        steps, ticks = endpoint.steps(submit.input), 10 if endpoint.trains else 2
        seconds = endpoint.seconds(self._studio) + float((submit.fault("slow") or {}).get("seconds", 0))
        submit.log("Training started" if endpoint.trains else "Loading the pipeline")
        for tick in range(1, ticks + 1):
            await asyncio.sleep(seconds / ticks)
            submit.log(f"step {steps * tick // ticks}/{steps} ({100 * tick // ticks}%)")
        if submit.fault("stuck") is not None:
            await asyncio.Event().wait()

    def _complete(self, submit: Submit, outcome: Outcome) -> None:
        submit.outcome = outcome
        submit.state = "COMPLETED"
        submit.completed_at = now()
        if outcome.error is not None:
            submit.log(outcome.error, "ERROR")
        if outcome.error_type != "client_cancelled" or self._studio.timing.webhook_on_cancel:
            self._announce(submit)


def refusal(params: dict[str, Any]) -> Outcome:
    """Return the outcome of a `validation_422` or `error` fault."""
    kind = str(params.get("type", "content_policy_violation"))
    msg = str(params.get("msg", _MESSAGES.get(kind, kind.replace("_", " ").capitalize())))
    loc = [str(part) for part in params.get("loc", ["body", "prompt"])]
    outcome = model_error(kind, msg, *loc).outcome()
    return Outcome(
        int(params.get("status", outcome.status)),
        outcome.body,
        kind,
        retryable=bool(params.get("retryable", outcome.retryable)),
        units=float(params.get("units", 0)),
    )


def _wanted(submit: Submit) -> Outcome | None:
    """Return the outcome a fault asks for."""
    if (params := submit.fault("validation_422")) is not None:
        return refusal(params)
    if (params := submit.fault("error")) is None:
        return None
    kind = str(params.get("type", "downstream_service_error"))
    try:
        return request_error(kind, str(params.get("msg", kind)))
    except KeyError:
        return refusal({"loc": ["body"]} | params | {"type": kind})


def _cancelled() -> Outcome:
    return request_error("client_cancelled", "Request was cancelled by the client")
