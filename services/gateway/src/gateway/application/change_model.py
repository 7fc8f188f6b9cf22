"""Rename a model, roll it back to an earlier version, delete it."""

from contracts.catalog import ActivateVersion, DeleteModel, ModelChanged, UpdateModel
from gateway.application.ask import Asked, Asking, ask
from gateway.application.ports import Work
from gateway.domain.asks import Errand, ModelInUse, NotFound, VersionNotFound, check_changes
from gateway.domain.requests import Request


async def update_model(request: Request, name: str | None, description: str | None, asking: Asking) -> Asked:
    """Ask catalog to call a model something else (None: as it is)."""

    async def errand(work: Work) -> Errand:
        await _known(work, request)
        return Errand(UpdateModel(**_addressed(request), name=name, description=description))

    return await ask(request, errand, asking)


async def activate_version(request: Request, version: int, asking: Asking) -> Asked:
    """Ask catalog to make images with this version from now on."""

    async def errand(work: Work) -> Errand:
        model = await _known(work, request)
        if version not in {known.number for known in model.versions}:
            raise VersionNotFound
        return Errand(ActivateVersion(**_addressed(request), version=version))

    return await ask(request, errand, asking)


async def delete_model(request: Request, asking: Asking, *, cancel_jobs: bool) -> Asked:
    """Ask catalog to delete a model; open jobs with it refuse that, or are cancelled with it.

    A job that is opened while this is asked is cancelled as well: jobs stops what a deleted model has open.
    """

    async def errand(work: Work) -> Errand:
        await _known(work, request)
        if not cancel_jobs and await work.views.busy_with(request.team_id, request.subject):
            raise ModelInUse
        return Errand(DeleteModel(**_addressed(request), cancel_jobs=cancel_jobs))

    return await ask(request, errand, asking)


async def _known(work: Work, request: Request) -> ModelChanged:
    if (model := await work.views.model(request.team_id, request.subject)) is None:
        raise NotFound("model")
    check_changes(model)
    return model


def _addressed(request: Request) -> dict[str, object]:
    return {"request_id": request.id, "team_id": request.team_id, "model_id": request.subject}
