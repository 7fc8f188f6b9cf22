"""What can go wrong at the dashboard: no connection, refusals, and text that would like to be a program."""

import pytest
from e2e.browser import Visitor
from e2e.house import House
from playwright.async_api import Browser, expect

pytestmark = pytest.mark.long
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"


async def test_a_page_catches_up_when_the_connection_is_back(house: House, browser: Browser, person: Visitor):
    await person.page.goto("/jobs")
    other = await Visitor.at(house.stack.url, browser)
    await other.sign_in(person.email)
    person.offline = True
    await person.context.set_offline(True)
    await expect(person.page.locator("#lost")).to_be_visible()
    job = await other.generate("made meanwhile")
    await expect(job.locator(".badge")).to_have_text("Done")
    await person.context.set_offline(False)

    await expect(person.page.locator("#found h3 a", has_text="made meanwhile")).to_be_visible()
    await expect(person.page.locator("#lost")).to_be_hidden()
    await other.leave()


async def test_what_was_typed_outlives_a_lost_connection(person: Visitor):
    page = person.page
    await page.goto("/generate")
    person.offline = True
    await person.context.set_offline(True)
    await page.get_by_label("What do you want to see?").fill("typed on a train")
    await page.get_by_role("button", name="Generate 4 images · 8 credits").click()
    await expect(page.locator("#lost")).to_be_visible()
    await person.context.set_offline(False)
    await expect(page.locator("#lost")).to_be_hidden()
    await expect(page.get_by_label("What do you want to see?")).to_have_value("typed on a train")
    await page.get_by_role("button", name="Generate 4 images · 8 credits").click()

    await expect(page.locator("#jobs .job .badge")).to_have_text("Done")
    await expect(page.locator("#balance")).to_contain_text("192 credits")


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


async def test_markup_in_a_prompt_and_in_names_is_shown_and_never_run(person: Visitor):
    page = person.page
    job = await person.generate(MARKUP)
    await expect(job.locator(".badge")).to_have_text("Done")
    await expect(job.locator("h3 a")).to_have_text(MARKUP)
    await job.locator("h3 a").click()
    await expect(page.locator("dd").first).to_have_text(MARKUP)
    await person.context.request.patch("/api/team", data={"name": MARKUP})
    await person.context.request.patch("/api/me", data={"name": MARKUP})
    reference = (await person.tell("/reference-models"))["data"][0]["id"]
    model = {"name": MARKUP, "description": MARKUP, "reference_model_id": reference}
    made = await person.ask("/models", model)
    for path in (
        "/",
        f"/models/{made['model']['id']}",
        "/models",
        "/gallery",
        "/jobs",
        "/team",
        "/account",
        "/credits",
    ):
        await page.goto(path)
        await expect(page.locator(".menu summary")).to_have_text(MARKUP)
    await page.goto(f"/models?search={MARKUP}&status={MARKUP}")
    await expect(page.get_by_label("Search")).to_have_value(MARKUP)
    await page.goto(f"/sign-in?next={MARKUP}")
    await page.goto(f"/invitations/{MARKUP.replace('/', '')}")
    await expect(page.get_by_role("heading", name="This link does not work any more")).to_be_visible()
