"""What a team may do to a model of its own, and what is refused."""

from datetime import datetime

from catalog.domain.models import Model
from contracts.catalog import ActivateVersion, DeleteModel, ModelChanged, UpdateModel

Change = ActivateVersion | DeleteModel | UpdateModel


class Refusal(Exception):
    """The model cannot be changed so; `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def change(model: Model, command: Change, at: datetime) -> ModelChanged:
    """Change a model as its team asks, and describe it, also when that changed nothing. Raises Refusal."""
    if model.origin is None or model.origin.team_id != command.team_id:
        raise Refusal("not_found", "There is no such model.")
    match command:
        case DeleteModel(cancel_jobs=cancel_jobs):
            return _delete(model, at, cancel_jobs=cancel_jobs)
        case _ if model.deleted:
            raise Refusal("not_found", "The model was deleted.")
        case UpdateModel(name=name, description=description):
            return model.describe(name, description, at)
        case ActivateVersion(version=version):
            return _activate(model, version, at)


def _delete(model: Model, at: datetime, *, cancel_jobs: bool) -> ModelChanged:
    if model.in_training and not cancel_jobs:
        raise Refusal("model_busy", "A version of this model is being trained. Cancel it first, or with it.")
    return model.delete(at)


def _activate(model: Model, number: int, at: datetime) -> ModelChanged:
    if number not in {version.number for version in model.versions}:
        raise Refusal("version_not_found", "The model has no such version.")
    return model.activate(number, at)
