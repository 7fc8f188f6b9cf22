"""The dashboard in a real browser: the first minutes of somebody new, and their daily work."""

import re
import uuid

import pytest
from e2e.browser import Visitor
from e2e.house import House
from e2e.letters import link
from e2e.provider import fault
from playwright.async_api import Browser, expect

PICTURES = 4


async def test_somebody_new_follows_the_letter_and_makes_the_first_image(house: House, browser: Browser):
    visitor = await Visitor.at(house.stack.url, browser)
    await visitor.sign_up("Ada Lovelace", f"{uuid.uuid4().hex[:12]}@example.com")
    studio = visitor.page
    await expect(studio.get_by_text("Verify your e-mail address before you press this")).to_be_visible()
    letter = await visitor.context.new_page()
    await letter.goto(await link(house.stack.sandbox_url, visitor.email, "Verify your e-mail address"))
    await letter.get_by_role("button", name="Yes, verify it").click()
    await expect(letter.get_by_text(f"{visitor.email} is verified.")).to_be_visible()

    await expect(studio.get_by_text("Verify your e-mail address")).to_have_count(0)
    await studio.get_by_role("button", name="Make it · 2 credits").first.click()
    job = studio.locator("#jobs .job").first
    await expect(job.locator(".badge")).to_have_text("Done")
    await expect(job.locator("img")).to_have_count(1)
    await expect(studio.locator("#balance")).to_contain_text("198 credits")
    await visitor.leave()


@pytest.mark.long
async def test_four_images_are_made_and_their_cost_is_shown(person: Visitor):
    job = await person.generate("a lighthouse at dusk")
    await expect(job.locator(".badge")).to_have_text("Done")
    await expect(job.locator("img")).to_have_count(PICTURES)
    await expect(person.page.locator("#balance")).to_contain_text("192 credits")
    await job.locator("h3 a").click()
    await expect(person.page.get_by_role("heading", name="Receipt")).to_be_visible()
    await expect(person.page.locator("dd strong")).to_have_text("8 credits")


@pytest.mark.long
async def test_a_recipe_is_copied_and_used_again(person: Visitor):
    await person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    job = await person.generate("a kiosk in the snow")
    await expect(job.locator(".badge")).to_have_text("Done")
    await job.locator("h3 a").click()
    await person.page.get_by_role("button", name="Copy the recipe").click()
    await expect(person.page.get_by_role("button", name="Copied")).to_be_visible()
    assert "a kiosk in the snow" in await person.page.evaluate("navigator.clipboard.readText()")
    await person.page.get_by_role("link", name="Use again").first.click()

    await expect(person.page.get_by_label("What do you want to see?")).to_have_value("a kiosk in the snow")


@pytest.mark.long
async def test_a_model_is_made_refined_compared_and_rolled_back(person: Visitor):
    page = person.page
    await page.goto("/reference-models")
    await page.get_by_role("link", name="Make a model from").first.click()
    await page.get_by_label("Name", exact=True).fill("Harbour portraits")
    await page.get_by_label("Who or what does it show?").fill("a calm woman with short red hair")
    await page.get_by_role("button", name="Create the model · 100 credits").click()
    await expect(page.get_by_role("heading", name=re.compile("^Version 1"))).to_be_visible()
    await page.get_by_label("What should be better?").fill("softer light")
    await page.get_by_role("button", name="Train the next version · 50 credits").click()
    await expect(page.get_by_role("heading", name=re.compile("^Version 2"))).to_be_visible()
    await person.judge()

    await page.get_by_label("What do you want to see?").fill("at the harbour")
    await page.get_by_role("button", name="Compare · 2 credits each").click()
    await expect(page.locator("#compared img")).to_have_count(2)
    await page.get_by_role("button", name="Use this version: 1").click()
    await expect(page.get_by_role("heading", name="Version 1 In use")).to_be_visible()
    await person.judge()


@pytest.mark.long
async def test_the_price_on_the_button_follows_what_is_chosen(person: Visitor):
    await person.page.goto("/generate")
    await person.page.get_by_label("High").check()
    await expect(person.page.get_by_role("button", name="Generate 4 images · 16 credits")).to_be_visible()
    await person.page.get_by_label("8", exact=True).check()
    await expect(person.page.get_by_role("button", name="Generate 8 images · 32 credits")).to_be_visible()


@pytest.mark.long
async def test_a_reference_image_is_uploaded_with_its_picture_and_used_again(person: Visitor):
    page = person.page
    made = await person.generate("something to refer to")
    await expect(made.locator(".badge")).to_have_text("Done")
    link = await made.locator("a.tile").first.get_attribute("href")
    picture = await (await person.context.request.get(link)).body()
    await page.goto("/generate")
    await page.get_by_text("More", exact=True).click()
    file = {"name": "harbour.jpg", "mimeType": "image/jpeg", "buffer": picture}
    await page.get_by_label("Reference image").set_input_files(file)
    await expect(page.locator(".uploads li", has_text="harbour.jpg").locator("img")).to_be_visible()
    await expect(page.locator("input[name=reference_upload_key]")).to_have_count(1)
    await page.get_by_label("What do you want to see?").fill("the same, at night")
    await page.get_by_role("button", name="Generate 4 images · 8 credits").click()
    job = page.locator("#jobs .job").first
    await expect(job.locator("h3")).to_have_text("the same, at night")
    await expect(job.locator(".badge")).to_have_text("Done")
    await job.get_by_role("link", name="Use again").click()

    await expect(page.locator(".uploads li")).to_contain_text("The one used before")
    await page.get_by_role("button", name="Remove the image used before").click()
    await expect(page.locator("input[name=reference_upload_key]")).to_have_count(0)


@pytest.mark.long
async def test_images_are_selected_packed_and_deleted(person: Visitor):
    page = person.page
    job = await person.generate("a still life with lemons")
    await expect(job.locator(".badge")).to_have_text("Done")
    await page.goto("/gallery")
    await expect(page.get_by_text("days left")).to_have_count(PICTURES)
    await page.get_by_role("button", name="Select all").click()
    await page.get_by_role("button", name="Download as zip").click()
    await expect(page.get_by_role("link", name="download 4 images")).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="download 4 images").click()
    assert (await download.value).suggested_filename.endswith(".zip")
    await page.get_by_role("button", name="Delete", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    await expect(page.get_by_role("heading", name="Your images will be here")).to_be_visible()


@pytest.mark.long
async def test_a_failed_job_says_that_nothing_was_charged(house: House, person: Visitor):
    async with house.provider.behaving(fault("validation_422", "will not work", at="run")):
        job = await person.generate("this will not work")
        await expect(job.locator(".badge")).to_have_text("Failed")
    await expect(job).to_contain_text("Not charged.")
    await expect(person.page.locator("#balance")).to_contain_text("200 credits")


@pytest.mark.long
async def test_a_job_that_waits_says_why_and_is_cancelled_in_the_list(house: House, person: Visitor):
    async with house.provider.behaving(image_seconds=8):
        await person.generate("takes the only slot")
        await person.generate("waits for the slot")
        await person.page.goto("/jobs")
        waiting = person.page.locator(".job", has_text="waits for the slot")
        await expect(waiting).to_contain_text("1st in your line: your plan's slots are busy.")
        await waiting.get_by_role("button", name="Cancel").click()
        await expect(waiting.locator(".badge")).to_have_text("Cancelled")
        await expect(waiting).to_contain_text("Not charged.")
        first = person.page.locator(".job", has_text="takes the only slot")
        await expect(first.locator(".badge")).to_have_text("Done")
    await expect(person.page.locator("#balance")).to_contain_text("192 credits")
