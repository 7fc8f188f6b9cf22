"""The pages, as a browser without scripts would meet them; tests-e2e drives a real one."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
from services.gateway.tests.stage import Stage, model, reference_model

from chassis.clock import utc_now
from contracts.jobs import JobChanged, Moment, Receipt, Result
from contracts.orders import Recipe

PASSWORD = "correct horse battery"


async def signed_in(stage: Stage) -> httpx.AsyncClient:
    client = stage.client()
    form = {
        "name": "Ada <b>",
        "email": f"{uuid4().hex[:8]}@example.com",
        "password": PASSWORD,
        "key": uuid4().hex,
    }
    answer = await client.post("/sign-up", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/"), answer.text
    return client


def token(page: httpx.Response) -> dict[str, str]:
    found = re.search(r'"X-CSRF-Token": "([0-9a-f]{64})"', page.text)
    assert found
    return {"X-CSRF-Token": found[1], "HX-Request": "true"}


async def test_a_stranger_is_led_to_the_sign_in_and_back(stage: Stage):
    answer = await stage.client().get("/generate?job=x")

    assert answer.headers["location"] == "/sign-in?next=/generate%3Fjob%3Dx"


async def test_the_pages_may_load_nothing_of_others_and_be_framed_by_nobody(stage: Stage):
    page = await stage.client().get("/sign-in")
    policy = page.headers["content-security-policy"]

    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert (page.headers["x-frame-options"], page.headers["cache-control"]) == ("DENY", "private, no-store")
    assert "<script>" not in page.text
    assert "style=" not in page.text


async def test_a_wrong_password_is_told_and_the_address_kept(stage: Stage):
    client = stage.client()
    answer = await client.post("/sign-in", data={"email": "ada@example.com", "password": "not this one"})

    assert answer.status_code == 401
    assert "The address or the password is wrong." in answer.text
    assert 'value="ada@example.com"' in answer.text
    assert "not this one" not in answer.text


async def test_signing_up_says_at_each_field_what_is_wrong(stage: Stage):
    answer = await stage.client().post(
        "/sign-up", data={"name": "Ada", "email": "nobody", "password": "short"}
    )

    assert answer.status_code == 422
    assert "at least 10 characters" in answer.text
    assert 'value="Ada"' in answer.text


async def test_a_name_is_shown_as_text_never_as_markup(stage: Stage):
    page = await (await signed_in(stage)).get("/")

    assert page.status_code == 200
    assert "Ada &lt;b&gt;" in page.text
    assert "Ada <b>" not in page.text


async def test_a_form_without_its_token_is_refused(stage: Stage):
    client = await signed_in(stage)
    answer = await client.post("/generate", data={"prompt": "a hat"})

    assert answer.status_code == 403
    assert "out of date" in answer.text


async def test_a_form_of_another_site_is_refused(stage: Stage):
    client = await signed_in(stage)
    headers = token(await client.get("/")) | {"Origin": "https://elsewhere.example"}

    assert (await client.post("/generate", data={"prompt": "a hat"}, headers=headers)).status_code == 403


async def test_images_are_asked_for_once_however_often_the_button_is_pressed(stage: Stage):
    client, reference = await signed_in(stage), reference_model()
    await stage.hear(reference)
    headers = token(await client.get("/"))
    form = {
        "source": f"reference_model:{reference.id}",
        "prompt": "a <script> hat",
        "count": "2",
        "key": uuid4().hex,
    }
    first = await client.post("/generate", data=form, headers=headers)
    second = await client.post("/generate", data=form, headers=headers)

    assert first.status_code == 200, first.text
    assert "a &lt;script&gt; hat" in first.text
    ids = [re.findall(r'id="job-([0-9a-f-]+)"', answer.text) for answer in (first, second)]
    assert ids[0] == ids[1]
    assert len((await client.get("/api/jobs")).json()["data"]) == 1


async def test_too_few_credits_are_told_where_the_form_is(stage: Stage):
    client, reference = await signed_in(stage), reference_model()
    await stage.hear(reference)
    headers = token(await client.get("/"))
    stage.balance = dict.fromkeys(stage.balance, 3)
    form = {"source": f"reference_model:{reference.id}", "prompt": "a hat", "count": "8", "key": uuid4().hex}
    answer = await client.post("/generate", data=form, headers=headers)

    assert answer.status_code == 402
    assert "It costs 16 credits; 3 can be spent. Nothing was charged." in answer.text
    assert "<html" not in answer.text


async def test_a_page_that_does_not_exist_leads_back(stage: Stage):
    answer = await (await signed_in(stage)).get("/nothing-here")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


async def test_signing_out_ends_the_session(stage: Stage):
    client = await signed_in(stage)
    await client.post("/sign-out")

    assert (await client.get("/")).headers["location"] == "/sign-in"


async def with_model(stage: Stage) -> tuple[httpx.AsyncClient, dict[str, str], str]:
    client = await signed_in(stage)
    team_id = (await client.get("/api/me")).json()["team"]["id"]
    known = model(UUID(team_id), 2, name="Harbour <i>")
    await stage.hear(known)
    return client, token(await client.get("/")), f"/models/{known.id}"


async def test_models_are_listed_and_found(stage: Stage):
    client, _, path = await with_model(stage)
    listed, found, missed = [
        (await client.get("/models", params=query)).text
        for query in ({}, {"search": "harbour", "status": "ready"}, {"search": "forest"})
    ]

    assert path in listed
    assert "Harbour &lt;i&gt;" in found
    assert path not in missed
    assert "Nothing matches" in missed


async def test_a_model_is_shown_renamed_rolled_back_and_deleted(stage: Stage):
    client, headers, path = await with_model(stage)
    shown = await client.get(path)
    renamed = await client.post(path, data={"name": "Winter", "description": "cold"}, headers=headers)
    back = await client.post(f"{path}/versions/1/activate", headers=headers)
    after = await client.get(path)
    gone = await client.delete(path, headers=headers)

    assert "Version 2" in shown.text
    assert (renamed.headers["hx-redirect"], back.headers["hx-redirect"]) == (path, path)
    assert "Winter" in after.text
    assert gone.headers["hx-redirect"] == "/models"
    assert (await client.get(path)).status_code == 404


async def test_a_new_model_is_asked_for_and_shown(stage: Stage):
    client, reference = await signed_in(stage), reference_model()
    await stage.hear(reference)
    page = await client.get("/models/new", params={"reference": str(reference.id)})
    form = {
        "name": "Shore",
        "description": "calm",
        "reference_model_id": str(reference.id),
        "key": uuid4().hex,
    }
    made = await client.post("/models", data=form, headers=token(page))

    assert f'value="{reference.id}" checked' in page.text
    assert made.status_code == 200, made.text
    assert "Shore" in (await client.get(made.headers["hx-redirect"])).text


async def test_what_a_new_model_lacks_is_told(stage: Stage):
    client = await signed_in(stage)
    answer = await client.post("/models", data={"name": "Shore"}, headers=token(await client.get("/")))

    assert answer.status_code == 422
    assert "Give a reference_model_id and a description, or 4 to 40 upload_keys" in answer.text


async def test_versions_are_compared_in_place(stage: Stage):
    client, headers, path = await with_model(stage)
    form = {"versions": ["1", "2"], "prompt": "in the rain", "key": uuid4().hex}
    answer = await client.post(f"{path}/compare", data=form, headers=headers)

    assert answer.status_code == 200, answer.text
    assert answer.text.count("in the rain") >= 2
    assert "Version 1" in answer.text
    assert "Version 2" in answer.text


async def with_job(stage: Stage) -> tuple[httpx.AsyncClient, dict[str, str], str]:
    """Somebody whose job has made two images, one of them withheld."""
    client, reference = await signed_in(stage), reference_model()
    await stage.hear(reference)
    form = {"source": f"reference_model:{reference.id}", "prompt": "a hat", "count": "2", "key": uuid4().hex}
    headers = token(await client.get("/"))
    asked = await client.post("/generate", data=form, headers=headers)
    [job_id] = re.findall(r'id="job-([0-9a-f-]+)"', asked.text)
    team_id, now = (await client.get("/api/me")).json()["team"]["id"], utc_now()
    results = (
        Result(
            n=1, key=f"images/{team_id}/{job_id}/1.jpg", thumbnail_key="thumbs/1.webp", width=64, height=64
        ),
        Result(n=2, withheld=True),
    )
    receipt = Receipt(held=4, captured=2, released=2, unit_price=2, units=1, reason="content_policy")
    done = JobChanged(
        id=job_id, team_id=team_id, version=5, operation="generate_images", status="completed", quantity=2,
        recipe=Recipe(prompt="a hat", reference_model_id=reference.id), results=results, receipt=receipt,
        timeline=(Moment(at=now, event="completed"),), created_at=now, updated_at=now,
        expires_at=now + timedelta(days=90),
    )  # fmt: skip
    await stage.hear(done)
    return client, headers, job_id


async def test_a_job_shows_what_it_made_and_what_it_cost(stage: Stage):
    client, _, job_id = await with_job(stage)
    shown, listed = await client.get(f"/jobs/{job_id}"), await client.get("/jobs?status=completed")

    assert "Withheld as unsafe" in shown.text
    assert "2 credits</strong> (1 \u00d7 2)" in shown.text
    assert f"/jobs/{job_id}" in listed.text


async def test_another_teams_job_is_not_there(stage: Stage):
    _, _, job_id = await with_job(stage)
    stranger = await signed_in(stage)

    assert (await stranger.get(f"/jobs/{job_id}")).status_code == 404
    assert (await stranger.get(f"/jobs/{job_id}/part", headers={"HX-Request": "true"})).status_code == 404


async def test_a_finished_job_cannot_be_cancelled_and_the_page_says_so(stage: Stage):
    client, headers, job_id = await with_job(stage)
    answer = await client.delete(f"/jobs/{job_id}", headers=headers)

    assert answer.status_code == 409
    assert "The job has ended already." in answer.text


async def test_the_gallery_shows_what_is_there_and_packs_what_is_chosen(stage: Stage):
    client, headers, job_id = await with_job(stage)
    shown = await client.get("/gallery")
    nothing = await client.post("/gallery/export", headers=headers)
    expiring = await client.get("/gallery?show=expiring")

    assert f'value="{job_id}_1"' in shown.text
    assert f"{job_id}_2" not in shown.text
    assert "days left" in shown.text
    assert nothing.status_code == 422
    assert "No image is like that." in expiring.text


async def test_credits_show_what_is_there_and_each_change(stage: Stage):
    client, _, _ = await with_job(stage)
    shown = await client.get("/credits")
    only = await client.get("/credits?kind=replenish")

    assert "<strong>196</strong>" in shown.text
    assert "Held" in shown.text
    assert shown.text.count("<rect") == 30
    assert 'class="number">-4</td>' in shown.text
    assert 'class="number">-4</td>' not in only.text
