import json

import pytest
from libs.client.tests.samples import AT, JOB_ID, image, job
from libs.client.tests.server import LOST, Told

from atelier import AsyncAtelier, Atelier, FileRefused, Patience

QUICK = Patience(tries=3, seconds=5, first=0.01, longest=0.02)
PICTURE = b"\xff\xd8\xff" + b"0" * 100_000
NAME = "at-the-harbour-at-dawn-2b4c5e6f-1.jpg".replace("2b4c5e6f", JOB_ID[-8:])


def store(server, *answers):
    """A gateway that signs a new link at each reading, and the store behind it."""
    kept, links = list(answers), iter(range(100))

    def answer(asked):
        if asked.path.startswith("/api/jobs/"):
            url = f"{server.url}/images/1.jpg?signature={next(links)}"
            return Told(200, job("completed", results=[image(url)]))
        return kept.pop(0)

    return answer


def test_an_image_is_saved_under_a_name_that_tells_what_it_is(server, tmp_path):
    server.answer = store(server, Told(200, raw=PICTURE))
    with Atelier(server.url, "atl_key", patience=QUICK) as atelier:
        assert atelier.download(JOB_ID, tmp_path / "new") == [tmp_path / "new" / NAME]
    assert (tmp_path / "new" / NAME).read_bytes() == PICTURE


def test_the_store_never_sees_the_key(server, tmp_path):
    server.answer = store(server, Told(200, raw=PICTURE))
    with Atelier(server.url, "atl_key", patience=QUICK) as atelier:
        atelier.download(JOB_ID, tmp_path)
    assert "authorization" in server.asked[0].headers
    assert "authorization" not in server.asked[-1].headers


def test_a_link_that_has_ended_is_asked_for_anew(server, tmp_path):
    server.answer = store(server, Told(403), LOST, Told(200, raw=PICTURE))
    with Atelier(server.url, "atl_key", patience=QUICK) as atelier:
        atelier.download(JOB_ID, tmp_path)
    links = [one.path for one in server.asked if one.path.startswith("/images")]
    assert len(set(links)) == 3


def test_a_file_that_breaks_off_leaves_nothing(server, tmp_path):
    short = Told(200, raw=PICTURE[:50_000], headers={"Content-Length": str(len(PICTURE))})
    server.answer = store(server, short, Told(404))
    (tmp_path / NAME).write_bytes(b"as before")
    with (
        Atelier(server.url, "atl_key", patience=QUICK) as atelier,
        pytest.raises(FileRefused, match="answered 404"),
    ):
        atelier.download(JOB_ID, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).read_bytes() == b"as before"


async def test_the_async_client_saves_too(server, tmp_path):
    server.answer = store(server, Told(503), Told(200, raw=PICTURE))
    async with AsyncAtelier(server.url, "atl_key", patience=QUICK) as atelier:
        [path] = await atelier.download(JOB_ID, tmp_path)
    assert path.read_bytes() == PICTURE


def test_an_upload_is_put_with_just_the_headers_of_its_link(server, tmp_path):
    headers = {"Content-Type": "image/jpeg", "x-signed": "yes"}
    link = {
        "key": "uploads/a/b",
        "method": "PUT",
        "url": f"{server.url}/put",
        "headers": headers,
        "expires_at": AT,
    }
    server.script = [Told(201, link), LOST, Told(200)]
    (tmp_path / "one.jpg").write_bytes(PICTURE)
    with Atelier(server.url, "atl_key", patience=QUICK) as atelier:
        assert atelier.upload(tmp_path / "one.jpg").key == "uploads/a/b"
    asked, _, put = server.asked
    assert json.loads(asked.body) == {"content_type": "image/jpeg", "size": len(PICTURE)}
    assert (put.method, put.body, put.headers["x-signed"]) == ("PUT", PICTURE, "yes")
    assert "authorization" not in put.headers


def test_what_is_no_image_is_not_handed_in(server):
    with (
        Atelier(server.url, "atl_key") as atelier,
        pytest.raises(FileRefused, match="only JPEG, PNG and WebP"),
    ):
        atelier.upload(b"%PDF-1.7")
    assert server.asked == []
