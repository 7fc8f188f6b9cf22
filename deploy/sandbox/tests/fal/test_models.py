import io

import fal_client
import httpx
import pytest
from PIL import Image

from sandbox.fal import weights

from .archives import archive, inline

FAST = "fal-ai/flux-lora-fast-training"
PORTRAIT = "fal-ai/flux-lora-portrait-trainer"


async def run(fal: fal_client.AsyncClient, endpoint: str, **arguments: object) -> dict:
    handle = await fal.submit(endpoint, arguments)
    return await handle.get(interval=0.01)


async def refusal(fal: fal_client.AsyncClient, endpoint: str, **arguments: object) -> tuple:
    with pytest.raises(fal_client.FalClientHTTPError) as refused:
        await run(fal, endpoint, **arguments)
    detail = refused.value.response.json()["detail"][0]
    return refused.value.status_code, detail["type"], detail["loc"]


async def test_training_gives_the_same_valid_weights_for_the_same_input(fal, raw: httpx.AsyncClient):
    first = await run(fal, FAST, images_data_url=archive(), trigger_word="OAK", steps=300)
    again = await run(fal, FAST, images_data_url=archive(), trigger_word="OAK", steps=300)
    other = await run(fal, FAST, images_data_url=archive(colour=9), trigger_word="OAK", steps=300)
    url = first["diffusers_lora_file"]["url"]
    assert url == again["diffusers_lora_file"]["url"]
    assert url != other["diffusers_lora_file"]["url"]
    content = (await raw.get(url)).content
    assert len(content) == first["diffusers_lora_file"]["file_size"]
    assert weights.read(content).metadata["trigger_phrase"] == "OAK"
    assert (await raw.get(first["config_file"]["url"])).json()["steps"] == 300


async def test_training_shows_its_progress_in_the_log(fal):
    handle = await fal.submit(FAST, {"images_data_url": archive(), "steps": 1000})
    await handle.get(interval=0.01)
    completed = await handle.status(with_logs=True)
    assert "step 300/1000 (30%)" in [line["message"] for line in completed.logs]


async def test_resumed_weights_stay_in_the_family_of_their_parent(fal, raw: httpx.AsyncClient):
    first = await run(fal, PORTRAIT, images_data_url=archive(), trigger_phrase="OAK")
    parent_url = first["diffusers_lora_file"]["url"]
    second = await run(fal, PORTRAIT, images_data_url=archive(colour=5), resume_from_checkpoint=parent_url)
    parent, child = [
        weights.read((await raw.get(one["diffusers_lora_file"]["url"])).content) for one in (first, second)
    ]
    assert child.family == parent.family
    assert child.fingerprint != parent.fingerprint
    assert child.metadata["parent"] == parent.fingerprint


async def test_archives_that_cannot_be_trained_on_are_refused(fal, box):
    field = ["body", "images_data_url"]
    gone = f"https://{box.fal_host}/files/nothing.zip"
    nobody = "http://127.0.0.1:1/images.zip"
    broken = inline(b"PK no zip at all")
    assert await refusal(fal, FAST, images_data_url=gone) == (422, "file_download_error", field)
    assert await refusal(fal, FAST, images_data_url=nobody) == (422, "file_download_error", field)
    assert await refusal(fal, FAST, images_data_url=broken) == (422, "invalid_archive", field)
    few = await refusal(fal, FAST, images_data_url=archive(3))
    assert few == (422, "archive_file_count_below_minimum", field)


async def test_a_checkpoint_that_cannot_be_read_is_refused(fal):
    refused = await refusal(
        fal, PORTRAIT, images_data_url=archive(), resume_from_checkpoint=inline(b"nothing")
    )
    assert refused == (422, "file_download_error", ["body", "resume_from_checkpoint"])


async def test_weights_change_the_picture_whatever_their_address(fal, raw: httpx.AsyncClient):
    trained = await run(fal, FAST, images_data_url=archive(), trigger_word="OAK")
    url = trained["diffusers_lora_file"]["url"]
    copy = inline((await raw.get(url)).content)

    async def picture(*loras: str) -> str:
        arguments = {"prompt": "OAK by the sea", "seed": 7, "loras": [{"path": path} for path in loras]}
        return (await run(fal, "fal-ai/flux-lora", **arguments))["images"][0]["url"]

    assert await picture(url) == await picture(copy)
    assert await picture(url) != await picture()


async def test_weights_that_cannot_be_fetched_are_refused(fal):
    refused = await refusal(fal, "fal-ai/flux-lora", prompt="a", loras=[{"path": "https://127.0.0.1:1/x"}])
    assert refused == (422, "file_download_error", ["body", "loras", "0", "path"])


async def test_image_to_image_starts_from_the_picture_given(fal, raw: httpx.AsyncClient):
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (250, 0, 0)).save(out, "PNG")
    arguments = {"prompt": "a", "seed": 1, "image_url": inline(out.getvalue()), "strength": 0.01}
    made = await run(fal, "fal-ai/flux-lora/image-to-image", **arguments)
    red, green, _ = Image.open(io.BytesIO((await raw.get(made["images"][0]["url"])).content)).getpixel(
        (32, 32)
    )
    assert red > 240 > 15 > green


async def test_forgotten_files_are_gone(fal, raw: httpx.AsyncClient, control: httpx.AsyncClient):
    made = await run(fal, "fal-ai/flux/dev", prompt="a")
    await control.delete("/files")
    assert (await raw.get(made["images"][0]["url"])).status_code == 404
