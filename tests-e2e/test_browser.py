"""The dashboard in a real browser: what a person does on the first day, and what can go wrong."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from e2e.browser import DESKTOP, PHONE, Visitor, browsing
from e2e.house import House
from e2e.provider import fault
from playwright.async_api import Browser, expect

from atelier_local.post import verification_token

PASSWORD = "correct horse battery"
PAGES = (
    "/generate", "/models", "/models/new", "/reference-models", "/jobs", "/gallery", "/credits", "/team",
    "/api-keys", "/webhooks", "/account",
)  # fmt: skip


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as browser:
        yield browser


@pytest.fixture
async def person(house: House, browser: Browser) -> AsyncIterator[Visitor]:
    visitor = await Visitor.at(house.stack.url, browser)
    visitor.email = f"{uuid.uuid4().hex[:12]}@example.com"
    await visitor.sign_up("Ada Lovelace", visitor.email, PASSWORD)
    token = await asyncio.to_thread(verification_token, house.stack.sandbox_url, visitor.email)
    verified = await visitor.context.request.post("/api/auth/verify", data={"token": token})
    assert verified.status == 204, await verified.text()
    await visitor.page.reload()
    yield visitor
    await visitor.leave()


async def generate(visitor: Visitor, prompt: str) -> None:
    await visitor.page.goto("/generate")
    await visitor.page.get_by_label("What do you want to see?").fill(prompt)
    await visitor.page.get_by_role("button", name="Generate 4 images · 8 credits").click()


async def test_a_new_person_gets_images_and_sees_what_they_cost(person: Visitor):
    await generate(person, "a lighthouse at dusk")
    job = person.page.locator("#jobs .job").first
    await expect(job.locator(".badge")).to_have_text("Done")
    await expect(job.locator("img")).to_have_count(4)
    await expect(person.page.locator("#balance")).to_contain_text("192 credits")
    await job.locator("h3 a").click()
    await expect(person.page.get_by_role("heading", name="Receipt")).to_be_visible()
    await expect(person.page.locator("dd strong")).to_have_text("8 credits")


@pytest.mark.long
async def test_a_new_person_makes_a_model_and_refines_it(person: Visitor):
    await person.page.goto("/reference-models")
    await person.page.get_by_role("link", name="Make a model from").first.click()
    await person.page.get_by_label("Name", exact=True).fill("Harbour portraits")
    await person.page.get_by_label("Who or what does it show?").fill("a calm woman with short red hair")
    await person.page.get_by_role("button", name="Create the model · 100 credits").click()
    await expect(person.page.get_by_role("heading", name="Version 1")).to_be_visible()
    await person.page.get_by_label("What should be better?").fill("softer light")
    await person.page.get_by_role("button", name="Train the next version · 50 credits").click()
    await expect(person.page.get_by_role("heading", name="Version 2")).to_be_visible()
    await person.judge()


@pytest.mark.long
async def test_the_price_on_the_button_follows_what_is_chosen(person: Visitor):
    await person.page.goto("/generate")
    await person.page.get_by_label("High").check()
    await expect(person.page.get_by_role("button", name="Generate 4 images · 16 credits")).to_be_visible()
    await person.page.get_by_label("8", exact=True).check()
    await expect(person.page.get_by_role("button", name="Generate 8 images · 32 credits")).to_be_visible()


async def test_a_failed_job_says_that_nothing_was_charged(house: House, person: Visitor):
    async with house.provider.behaving(fault("validation_422", "will not work", at="run")):
        await generate(person, "this will not work")
        job = person.page.locator("#jobs .job").first
        await expect(job.locator(".badge")).to_have_text("Failed")
    await expect(job).to_contain_text("Not charged.")
    await expect(person.page.locator("#balance")).to_contain_text("200 credits")


async def test_two_browsers_of_one_team_see_each_others_changes(
    house: House, browser: Browser, person: Visitor
):
    other = await Visitor.at(house.stack.url, browser)
    await other.sign_in(person.email, PASSWORD)
    await other.page.goto("/jobs")
    await generate(person, "seen from the other side")

    await expect(other.page.locator("#found h3 a", has_text="seen from the other side")).to_be_visible()
    await expect(other.page.locator("#found .badge").first).to_have_text("Done")
    await expect(other.page.locator("#balance")).to_contain_text("192 credits")
    await other.leave()


@pytest.mark.long
async def test_a_page_catches_up_when_the_connection_is_back(house: House, browser: Browser, person: Visitor):
    await person.page.goto("/jobs")
    other = await Visitor.at(house.stack.url, browser)
    await other.sign_in(person.email, PASSWORD)
    person.offline = True
    await person.context.set_offline(True)
    await expect(person.page.locator("#lost")).to_be_visible()
    await generate(other, "made meanwhile")
    await expect(other.page.locator("#jobs .badge").first).to_have_text("Done")
    await person.context.set_offline(False)

    await expect(person.page.locator("#found h3 a", has_text="made meanwhile")).to_be_visible(timeout=20_000)
    await expect(person.page.locator("#lost")).to_be_hidden()
    await other.leave()


@pytest.mark.long
async def test_what_was_typed_stays_when_the_server_says_no(person: Visitor):
    await person.page.goto("/generate")
    await person.page.get_by_label("What do you want to see?").fill("a hat for everybody")
    await person.page.get_by_text("More", exact=True).click()
    await person.page.locator("#seed").evaluate(
        "seed => { seed.removeAttribute('pattern'); seed.value = 'x' }"
    )
    await person.page.locator("#go").click()

    await expect(person.page.get_by_role("alert")).to_contain_text("Please look at this again")
    await expect(person.page.get_by_label("What do you want to see?")).to_have_value("a hat for everybody")


@pytest.mark.long
async def test_markup_in_a_prompt_is_shown_and_never_run(person: Visitor):
    await generate(person, "<img src=x onerror=alert(1)><script>alert(2)</script>")
    await expect(person.page.locator("#jobs .badge").first).to_have_text("Done")

    await expect(person.page.locator("#jobs h3 a").first).to_have_text(
        "<img src=x onerror=alert(1)><script>alert(2)</script>"
    )


@pytest.mark.parametrize(
    ("scheme", "size"),
    [
        pytest.param("light", DESKTOP, id="desktop-light"),
        pytest.param("dark", DESKTOP, id="desktop-dark", marks=pytest.mark.long),
        pytest.param("light", PHONE, id="phone-light", marks=pytest.mark.long),
        pytest.param("dark", PHONE, id="phone-dark", marks=pytest.mark.long),
    ],
)
async def test_every_page_is_accessible_and_fits(house: House, browser: Browser, scheme: str, size: dict):
    visitor = await Visitor.at(house.stack.url, browser, color_scheme=scheme)
    await visitor.page.set_viewport_size(size)
    for address in ("/sign-in", "/sign-up"):
        await visitor.page.goto(address)
        await visitor.judge()
    await visitor.sign_up("Grace", f"{uuid.uuid4().hex[:12]}@example.com", PASSWORD)
    for address in PAGES:
        await visitor.page.goto(address)
        await visitor.judge()
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await visitor.page.evaluate(wide) <= 0, address
    await visitor.leave()
