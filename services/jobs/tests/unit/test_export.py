"""An export, its limits, and the zip it becomes."""

import io
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zipfile import ZIP_STORED, ZipFile

import pytest
from services.jobs.tests.stories import NOW, RULES, TEAM, rules, settling

from contracts.jobs import ImageRef
from jobs.domain.archive import Archive
from jobs.domain.export import Export, TooManyExports, check_exports
from jobs.domain.manifest import Manifest, why_missing

AT = datetime(2026, 5, 1, 12, 0, 2, tzinfo=UTC)


def export(images: int = 3) -> Export:
    refs = tuple(ImageRef(job_id=UUID(int=n), n=1) for n in range(images))
    made = Export(id=uuid4(), team_id=TEAM, user_id=None, images=refs, created_at=NOW, updated_at=NOW)
    made.begin()
    return made


def test_an_export_is_offered_for_a_day_and_then_taken_away():
    made = export()
    (done,) = made.completed(123, 1, NOW, RULES)
    key = f"exports/{TEAM}/{made.id}.zip"
    assert (done.status, done.done, done.missing, done.size, done.key) == ("completed", 3, 1, 123, key)
    assert made.expired(NOW + timedelta(hours=23)) == []
    (gone,) = made.expired(NOW + timedelta(hours=24))
    assert (gone.status, gone.key, made.unwanted) == ("expired", None, [key])


def test_progress_never_goes_back():
    made = export()
    assert made.progressed(2, 0, NOW)[0].done == 2
    assert made.progressed(1, 0, NOW) == []


def test_an_export_ends_once():
    made = export()
    made.failed("too long", NOW)
    assert (made.completed(1, 0, NOW, RULES), made.progressed(3, 0, NOW), made.failed("x", NOW)) == (
        [],
        [],
        [],
    )


@pytest.mark.parametrize(("open_", "recent"), [(2, 2), (0, 20)])
def test_a_team_makes_only_so_many_exports(open_, recent):
    check_exports(1, 19, RULES)
    with pytest.raises(TooManyExports):
        check_exports(open_, recent, rules(exports_open=2, exports_a_day=20))


def test_a_zip_taken_away_in_pieces_is_whole():
    archive, pieces, most = Archive(), [], 0
    for n in range(50):
        archive.add(f"{n}.jpg", bytes([n]) * 10_000, AT)
        most = max(most, archive.held)
        if archive.held > 30_000:
            pieces.append(archive.take())
    archive.end()
    size = archive.size
    pieces.append(archive.take())
    whole = b"".join(pieces)
    assert (len(whole), len(pieces) > 10, most < 45_000) == (size, True, True)
    with ZipFile(io.BytesIO(whole)) as read:
        assert read.testzip() is None
        assert [read.read(name) for name in read.namelist()] == [bytes([n]) * 10_000 for n in range(50)]
        info = read.infolist()[49]
        assert (info.compress_type, info.date_time, info.flag_bits & 8) == (
            ZIP_STORED,
            (2026, 5, 1, 12, 0, 2),
            0,
        )


def test_a_manifest_tells_what_is_there_and_what_is_not():
    job = settling(prompt="a red coat", seed="7")
    present, lost = ImageRef(job_id=job.id, n=1), ImageRef(job_id=job.id, n=9)
    manifest = Manifest(uuid4())
    manifest.add(present, job, job.results[0], b"picture")
    manifest.lacks(lost, "deleted")
    read = json.loads(manifest.written(AT))
    assert read["images"] == [
        {
            "file": f"{job.id}_1.jpg",
            "id": f"{job.id}_1",
            "job_id": str(job.id),
            "n": 1,
            "seed": None,
            "width": 0,
            "height": 0,
            "size": 7,
            "sha256": "2cea274d0bedc39ec4ab6ba9e59ec889e3ed6fb56a1cf088a64d9b383378dc97",
        }
    ]
    assert read["jobs"][str(job.id)]["recipe"]["prompt"] == "a red coat"
    assert read["missing"] == [{"id": f"{job.id}_9", "reason": "deleted"}]


def test_why_an_image_is_missing_is_told_without_telling_of_other_teams():
    job = settling()
    there, withheld = job.results[0], job.results[1].model_copy(update={"key": None, "withheld": True})
    deleted = there.model_copy(update={"key": None, "deleted": True})
    cases = [(None, TEAM, None), (job, uuid4(), there), (job, TEAM, None)]
    assert [why_missing(*case) for case in cases] == ["not_found"] * 3
    assert [why_missing(job, TEAM, result) for result in (there, withheld, deleted)] == [
        "",
        "withheld",
        "deleted",
    ]
