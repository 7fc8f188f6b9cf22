"""Jobs are shown without models, and yet as the model that describes them would show them, byte for byte."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from contracts.jobs import JobChanged, Moment, Progress, Receipt, Result
from contracts.orders import Operation, Recipe, Size
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.shown_jobs import show, written
from gateway.application.reading import JobView

ID, OTHER = UUID(int=7), UUID(int=8)
NOON, LATER = datetime(2026, 11, 22, 12, tzinfo=UTC), datetime(2026, 11, 22, 12, 0, 1, 250_000, tzinfo=UTC)
PRICED = '{"amount": 8, "unit_price": 2, "price_version": 1, "new": true}'
RESULTS = (
    Result(n=1, key="images/1.jpg", thumbnail_key="thumbs/1.webp", width=64, height=32, seed="9" * 25),
    Result(n=2, key="images/2.jpg", thumbnail_key="thumbs/2.webp", expires_at=LATER),
    Result(n=3, key="images/3.jpg", pinned=True),
    Result(n=4, withheld=True),
    Result(n=5, deleted=True, seed="1"),
)


class Lent:
    """Links that tell what they were asked for."""

    def read(self, key: str) -> str:
        return key

    def lend(self, key: str, until: datetime | None, name: str | None = None) -> str:
        return f"{key} until {until} as {name}"


def job(**changes: Any) -> JobChanged:
    return JobChanged(**{
        "id": ID, "team_id": OTHER, "version": 3, "operation": Operation.GENERATE_IMAGES, "status": "queued",
        "quantity": 4, "recipe": Recipe(prompt='a "harbour" \u2028 \U0001f30a é'),
        "created_at": NOON, "updated_at": LATER,
    } | changes)  # fmt: skip


JOBS = {
    "one that waits": job(position=3, code="plan_slots_busy", reason="All slots are busy."),
    "one under way": job(
        status="processing", progress=Progress(step=1, steps=2, label="draw", percent=40, queue_position=5)
    ),
    "one that is done": job(
        status="completed",
        recipe=Recipe(
            model_id=ID,
            version=2,
            reference_model_id=OTHER,
            prompt="Two boats, one harbour",
            seed="7",
            size=Size(width=1024, height=768),
            upload_keys=("uploads/1", "uploads/2"),
            reference_key="uploads/3",
        ),
        results=RESULTS,
        receipt=Receipt(
            held=8, captured=6, released=2, unit_price=2, units=3, reason="part", entry_ids=(ID, OTHER)
        ),
        timeline=(Moment(at=NOON, event="queued"), Moment(at=LATER, event="completed", detail="d")),
        expires_at=LATER,
    ),
    "one that has expired": job(status="expired", results=RESULTS, expires_at=NOON),
    "one that trains": job(operation=Operation.CREATE_MODEL, quantity=1, recipe=Recipe(name="Ada")),
}


@pytest.mark.parametrize("priced", [None, PRICED])
@pytest.mark.parametrize("which", JOBS)
def test_a_job_is_shown_as_its_model_shows_it(which: str, priced: str | None):
    view = JobView(JOBS[which].model_dump_json(), priced)
    assert written(show(view, Lent())).decode() == Job.of(view, Lent()).model_dump_json()


@pytest.mark.parametrize("which", JOBS)
def test_what_an_older_sender_left_out_and_a_newer_one_added_changes_nothing(which: str):
    document = JOBS[which].model_dump(mode="json", exclude_defaults=True) | {"new": 1}
    document["recipe"]["new"] = {"of": "later"}
    view = JobView(orjson.dumps(document).decode(), None)
    assert written(show(view, Lent())).decode() == Job.of(view, Lent()).model_dump_json()


def test_the_samples_leave_no_field_out():
    fields = set(Job.model_fields) & set(JobChanged.model_fields) - {"cost"}  # which is told beside it
    assert {name for name in fields if not any(getattr(one, name) for one in JOBS.values())} == set()
