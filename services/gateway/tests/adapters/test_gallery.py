"""The gallery: what is there, newest first, with links that never outlive their images."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from services.gateway.tests.pictures import gallery, gone, job, result
from services.gateway.tests.stage import Stage

from chassis.clock import utc_now
from chassis.statement import text
from contracts.envelope import Delivery
from contracts.orders import Recipe
from gateway.adapters.outbound.postgres.work import transaction
from gateway.application.repair_views import repair_views


async def test_the_gallery_shows_what_is_there_newest_first_page_by_page(stage: Stage):
    person, other = await stage.person(), await stage.person()
    await stage.hear(
        job(person, result(1), result(2, withheld=True, key=None), gone(3), number=1),
        job(person, result(1), result(2), number=2),
        job(person, result(1), number=3, status="processing"),
        job(other, result(1), number=4),
        job(person, result(1, key="models/t/m/j/samples/1.jpg"), number=5, operation="create_model"),
    )
    assert await gallery(person) == ["2_2", "2_1", "1_1"]
    first = (await person.client.get("/api/images?limit=2")).json()
    assert [image["id"][-3:] for image in first["data"]] == ["2_2", "2_1"]
    assert await gallery(person, f"?cursor={first['next_cursor']}") == ["1_1"]


async def test_the_gallery_is_filtered(stage: Stage):
    person, mine = await stage.person(), uuid4()
    soon = utc_now() + timedelta(days=3)
    pinned = result(2, pinned=True, expires_at=None)
    await stage.hear(
        job(person, result(1), pinned, number=1),
        job(person, result(1, expires_at=soon), number=2, recipe=Recipe(prompt="x", model_id=mine)),
    )
    assert await gallery(person, f"?model={mine}") == ["2_1"]
    assert await gallery(person, "?job=0199f3a0-0000-7000-8000-000000000001") == ["1_2", "1_1"]
    assert await gallery(person, "?pinned=true") == ["1_2"]
    assert await gallery(person, "?pinned=false") == ["2_1", "1_1"]
    assert await gallery(person, "?expiring=true") == ["2_1"]


async def test_an_image_is_not_shown_beyond_its_time_even_if_nobody_says_so(stage: Stage):
    person = await stage.person()
    over = utc_now() - timedelta(seconds=1)
    made = job(person, result(1, expires_at=over), result(2))
    await stage.hear(made)
    shown = (await person.client.get(f"/api/jobs/{made.id}")).json()["results"]
    assert await gallery(person) == ["1_2"]
    assert [image["url"] is None for image in shown] == [True, False]


async def test_a_link_never_outlives_its_image(stage: Stage):
    person = await stage.person()
    soon = utc_now() + timedelta(seconds=100)
    await stage.hear(job(person, result(1, expires_at=soon), result(2)))
    later, sooner = (await person.client.get("/api/images")).json()["data"]
    lives = [int(parse_qs(urlsplit(image["url"]).query)["X-Amz-Expires"][0]) for image in (sooner, later)]
    assert 90 <= lives[0] <= 100
    assert lives[1] == 3600


async def test_a_download_has_a_good_name(stage: Stage):
    person = await stage.person()
    await stage.hear(job(person, result(1)))
    (image,) = (await person.client.get("/api/images")).json()["data"]
    disposition = parse_qs(urlsplit(image["download_url"]).query)["response-content-disposition"]
    assert disposition == ['attachment; filename="at-the-harbour-at-dawn-soft-00000001-1.jpg"']


async def test_a_late_description_brings_no_image_back(stage: Stage):
    person = await stage.person()
    await stage.hear(job(person, result(1), result(2), version=5))
    await stage.hear(job(person, gone(1), result(2), version=6))
    await stage.hear(job(person, result(1), result(2), version=5))
    assert await gallery(person) == ["1_2"]
    await stage.hear(job(person, gone(1), gone(2), version=7, status="expired"))
    assert await gallery(person) == []


async def test_the_gallery_is_rebuilt_from_what_is_announced(stage: Stage):
    person = await stage.person()
    made = job(person, result(1), gone(2))
    await stage.hear(made)
    async with stage.database.transaction() as session:
        await session.connection.execute(text("delete from gateway.view_images"))
    await repair_views([Delivery(made, uuid4(), uuid4())], transaction(stage.database))
    assert await gallery(person) == ["1_1"]
