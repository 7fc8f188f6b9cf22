"""Everything that can be asked of Atelier, each once, for the sync and the async client alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from atelier.calling import Patience, ask, call, known, pages
from atelier.documents import (
    Balance,
    Document,
    Event,
    Export,
    GalleryItem,
    Generating,
    HistoryLine,
    Job,
    Making,
    Model,
    Page,
    Quote,
    ReferenceModel,
    Upload,
)
from atelier.flow import Answer, Finding, Flow, Params, Request, listing, operation
from atelier.following import follow, watch
from atelier.keeping import file_name, hand_in, save
from atelier.problems import ExportFailed, FileRefused, JobFailed

Body = TypeVar("Body", bound=Document)
Named = TypeVar("Named", ReferenceModel, Model)
Id = UUID | str
WITHIN = 600.0


class Operations:
    """What both clients can do. Times are in seconds, ids are UUIDs or their texts.

    Each may raise Problem (the server's "no") and Unreachable. Every POST carries an Idempotency-Key of its
    own, or the one given, and is repeated under it: whatever is lost on the way, it is done once.
    """

    def __init__(self, url: str, api_key: str, patience: Patience) -> None:
        self.url = url.rstrip("/")
        self.headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self.patience = patience

    @operation
    def request(
        self,
        method: str,
        path: str,
        json: Any = None,  # noqa: ANN401 - any JSON
        params: Params | None = None,
        idempotency_key: str | None = None,
    ) -> Flow[Answer]:
        """Ask for anything of the API that has no method of its own here."""
        headers = known({"Idempotency-Key": idempotency_key})
        return (yield from call(self.patience, Request(method, path, json, params or {}, headers)))

    @operation
    def generate(
        self,
        prompt: str | Sequence[str],
        *,
        model_id: Id | None = None,
        version: int | None = None,
        reference_model_id: Id | None = None,
        count: int = 1,
        size: tuple[int, int] = (1024, 1024),
        quality: str = "standard",
        format: str = "jpeg",  # noqa: A002 - the API's name
        seed: int | str | None = None,
        negative_prompt: str = "",
        reference_upload_key: str | None = None,
        max_credits: int | None = None,
        quote_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Flow[Generating]:
        """Ask for `count` images of a prompt, or of each of several; returns when their credits are held.

        Raises Declined, when they are not, and then nothing is made or charged.
        """
        prompts = {"prompt": prompt} if isinstance(prompt, str) else {"prompts": list(prompt)}
        body: dict[str, Any] = {
            **prompts,
            "model_id": _text(model_id),
            "version": version,
            "reference_model_id": _text(reference_model_id),
            "count": count,
            "size": {"width": size[0], "height": size[1]},
            "quality": quality,
            "format": format,
            "seed": _text(seed),
            "negative_prompt": negative_prompt,
            "reference_upload_key": reference_upload_key,
            **_terms(max_credits, quote_id),
        }
        return (yield from self._post(Generating, "/api/generate", body, idempotency_key))

    @operation
    def job(self, job_id: Id) -> Flow[Job]:
        """Read a job as it is now."""
        return (yield from self._get(Job, f"/api/jobs/{job_id}"))

    @listing
    def jobs(
        self,
        *,
        status: str | None = None,
        type: str | None = None,  # noqa: A002 - the API's name
        most: int | None = None,
    ) -> Finding[Job]:
        """Iterate over the team's jobs, newest first."""
        yield from pages(self.patience, Job, "/api/jobs", {"status": status, "type": type}, most)

    @operation
    def cancel(self, job_id: Id) -> Flow[Job]:
        """Cancel a job; what was not delivered is not charged."""
        return (yield from ask(self.patience, Job, Request("DELETE", f"/api/jobs/{job_id}")))

    @operation
    def wait(
        self, job_id: Id, *, within: float = WITHIN, told: Callable[[Job], None] | None = None
    ) -> Flow[Job]:
        """Wait until a job has completed; `told` hears each state on the way.

        Raises JobFailed when it ended otherwise, TookTooLong.
        """
        return (yield from self._completed(job_id, within, told))

    @operation
    def download(self, job_id: Id, folder: Path | str = ".") -> Flow[list[Path]]:
        """Save the images of a job under good names; returns their files, without what was withheld."""
        job = yield from self._get(Job, f"/api/jobs/{job_id}")
        files: list[Path] = []
        for image in job.results:
            if image.url is not None:
                path = Path(folder) / file_name(image, job.recipe.prompt, image.url)
                files.append((yield from save(self.patience, self._link(job.id, image.n), path)))
        return files

    @operation
    def reference_model(self, slug: str) -> Flow[ReferenceModel]:
        """Find a reference model by its slug, its name or its id. Raises LookupError."""
        return (yield from self._named(ReferenceModel, "/api/reference-models", slug))

    @listing
    def reference_models(
        self,
        *,
        category: str | None = None,
        search: str | None = None,
        sort: str = "popular",
        most: int | None = None,
    ) -> Finding[ReferenceModel]:
        """Iterate over the curated models anyone may start from."""
        params = {"category": category, "search": search, "sort": sort}
        yield from pages(self.patience, ReferenceModel, "/api/reference-models", params, most)

    @operation
    def model(self, name_or_id: Id) -> Flow[Model]:
        """Find one of the team's models by its id or its name. Raises LookupError."""
        return (yield from self._named(Model, "/api/models", str(name_or_id)))

    @listing
    def models(
        self, *, status: str | None = None, search: str | None = None, most: int | None = None
    ) -> Finding[Model]:
        """Iterate over the team's models, newest first."""
        yield from pages(self.patience, Model, "/api/models", {"status": status, "search": search}, most)

    @operation
    def create_model(
        self,
        name: str,
        *,
        description: str = "",
        reference_model_id: Id | None = None,
        upload_keys: Sequence[str] = (),
        max_credits: int | None = None,
        quote_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Flow[Making]:
        """Make a model from a reference model and a description, or from 4 to 40 uploads.

        Give what comes back to `wait_for_version`.
        """
        body = {
            "name": name,
            "description": description,
            "reference_model_id": _text(reference_model_id),
            "upload_keys": list(upload_keys),
            **_terms(max_credits, quote_id),
        }
        return (yield from self._post(Making, "/api/models", body, idempotency_key))

    @operation
    def refine_model(
        self,
        model_id: Id,
        *,
        instructions: str = "",
        upload_keys: Sequence[str] = (),
        max_credits: int | None = None,
        quote_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Flow[Making]:
        """Train the next version of a model, from its active one; see `wait_for_version`."""
        body = {
            "instructions": instructions,
            "upload_keys": list(upload_keys),
            **_terms(max_credits, quote_id),
        }
        return (yield from self._post(Making, f"/api/models/{model_id}/refine", body, idempotency_key))

    @operation
    def wait_for_version(
        self, making: Making, *, within: float = WITHIN, told: Callable[[Job], None] | None = None
    ) -> Flow[Model]:
        """Wait until a model has the version that was asked for; `told` hears each state of its job.

        Raises JobFailed, TookTooLong.
        """
        began, model_id = time.monotonic(), making.model.id
        job = yield from self._completed(making.job.id, within, told)

        def read() -> Flow[Model]:
            return self._get(Model, f"/api/models/{model_id}")

        def trained(seen: Model) -> bool:
            return any(version.job_id == job.id for version in seen.versions)

        left = within - (time.monotonic() - began)
        about = "model.changed"
        return (yield from watch(read, trained, subject=str(model_id), event_type=about, within=left))

    @operation
    def upload(self, image: Path | str | bytes) -> Flow[Upload]:
        """Hand in an image, a file or its content; its `key` names it in later requests, for 7 days."""
        content = image if isinstance(image, bytes) else Path(image).read_bytes()
        return (yield from hand_in(self.patience, content))

    @listing
    def images(
        self, *, job_id: Id | None = None, model_id: Id | None = None, most: int | None = None
    ) -> Finding[GalleryItem]:
        """Iterate over the team's images that are there, newest first."""
        params = {"job": _text(job_id), "model": _text(model_id)}
        yield from pages(self.patience, GalleryItem, "/api/images", params, most)

    @operation
    def download_image(self, image_id: str, folder: Path | str = ".") -> Flow[Path]:
        """Save one image under a good name. Raises LookupError when it is not there."""
        job_id, _, n = image_id.partition("_")
        if not job_id:
            raise LookupError(f"there is no image {image_id}")
        job = yield from self._get(Job, f"/api/jobs/{job_id}")
        image = next((one for one in job.results if str(one.n) == n and one.url), None)
        if image is None or image.url is None:
            raise LookupError(f"there is no image {image_id}")
        path = Path(folder) / file_name(image, job.recipe.prompt, image.url)
        return (yield from save(self.patience, self._link(job.id, image.n), path))

    @operation
    def export_images(
        self, images: Sequence[str] = (), *, jobs: Sequence[Id] = (), idempotency_key: str | None = None
    ) -> Flow[Export]:
        """Ask for a zip of images, named one by one or by their jobs; it is packed meanwhile."""
        body = {"images": list(images), "jobs": [str(job_id) for job_id in jobs]}
        return (yield from self._post(Export, "/api/images/export", body, idempotency_key))

    @operation
    def export(self, export_id: Id) -> Flow[Export]:
        """Read an export as it is now."""
        return (yield from self._get(Export, f"/api/exports/{export_id}"))

    @operation
    def download_export(
        self,
        export_id: Id,
        path: Path | str,
        *,
        within: float = WITHIN,
        told: Callable[[Export], None] | None = None,
    ) -> Flow[Path]:
        """Wait until an export is packed, and save its zip. Raises ExportFailed, TookTooLong."""

        def read() -> Flow[Export]:
            return self._get(Export, f"/api/exports/{export_id}")

        def link() -> Flow[str]:
            export = yield from read()
            if export.url is None:
                raise ExportFailed(export)
            return export.url

        subject, about = str(export_id), "export.changed"
        yield from watch(
            read, lambda seen: seen.ended, subject=subject, event_type=about, within=within, told=told
        )
        return (yield from save(self.patience, link, Path(path)))

    @operation
    def balance(self) -> Flow[Balance]:
        """Read what the team can spend, what is held, and how many jobs it has."""
        return (yield from self._get(Balance, "/api/credits/balance"))

    @listing
    def history(self, *, job_id: Id | None = None, most: int | None = None) -> Finding[HistoryLine]:
        """Iterate over everything that changed the team's credits, newest first."""
        path = "/api/credits/history"
        yield from pages(self.patience, HistoryLine, path, {"job": _text(job_id)}, most)

    @operation
    def quote(
        self,
        operation: str = "generate_images",
        *,
        quantity: int = 1,
        size: tuple[int, int] | None = None,
        quality: str | None = None,
    ) -> Flow[Quote]:
        """Get an offer that binds until it expires; give its id as `quote_id`."""
        width_height = {"width": size[0], "height": size[1]} if size else None
        item = {"operation": operation, "quantity": quantity, "size": width_height, "quality": quality}
        return (yield from self._post(Quote, "/api/credits/quotes", {"items": [known(item)]}, None))

    @operation
    def events_page(self, after: int = 0, *, types: Sequence[str] = ()) -> Flow[Page[Event]]:
        """Read what happened after an event; `next_cursor` is where the next page begins."""
        params = known({"after": after, "type": list(types) or None})
        return (yield from ask(self.patience, Page[Event], Request("GET", "/api/events", params=params)))

    @listing
    def events(self, after: int | None = None, *, types: Sequence[str] = ()) -> Finding[Event]:
        """Iterate over what happens, for ever: each event once, in order, across broken lines.

        It starts after the event `after` (0: the oldest that is kept), or now.
        """
        yield from follow(self.patience, after, types)

    def _completed(self, job_id: Id, within: float, told: Callable[[Job], None] | None) -> Flow[Job]:
        def read() -> Flow[Job]:
            return self._get(Job, f"/api/jobs/{job_id}")

        subject, about = str(job_id), "job.changed"
        job = yield from watch(
            read, lambda seen: seen.ended, subject=subject, event_type=about, within=within, told=told
        )
        if job.status != "completed":
            raise JobFailed(job)
        return job

    def _get(self, body: type[Body], path: str) -> Flow[Body]:
        return ask(self.patience, body, Request("GET", path))

    def _post(self, body: type[Body], path: str, fields: Mapping[str, Any], key: str | None) -> Flow[Body]:
        headers = known({"Idempotency-Key": key})
        return ask(self.patience, body, Request("POST", path, json=known(fields), headers=headers))

    def _named(self, body: type[Named], path: str, name: str) -> Flow[Named]:
        """Find something by its id, its slug or its name; of several with one name the newest."""
        if _is_id(name):
            return (yield from ask(self.patience, body, Request("GET", f"{path}/{name}")))
        cursor: str | None = None
        while True:
            wanted = Request("GET", path, params=known({"limit": 100, "cursor": cursor}))
            page: Page[Named] = yield from ask(self.patience, Page[body], wanted)  # type: ignore[valid-type]
            for one in page.data:
                if name.casefold() in {one.name.casefold(), getattr(one, "slug", "")}:
                    return one
            if (cursor := page.next_cursor) is None:
                raise LookupError(f"nothing is called {name!r}")

    def _link(self, job_id: Id, n: int) -> Callable[[], Flow[str]]:
        def link() -> Flow[str]:
            job = yield from self._get(Job, f"/api/jobs/{job_id}")
            url = next((image.url for image in job.results if image.n == n), None)
            if url is None:
                raise FileRefused(f"image {job_id}_{n} is not there any more")
            return url

        return link


def _terms(max_credits: int | None, quote_id: Id | None) -> dict[str, Any]:
    return {"max_credits": max_credits, "quote_id": _text(quote_id)}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
