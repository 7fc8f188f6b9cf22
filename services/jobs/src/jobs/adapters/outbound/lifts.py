"""What is lifted after a restore: jobs and exports, each with its version in its document."""

from chassis.lifting import Part

_VERSION = "cast(data ->> 'version' as integer)"
_CHANGE = "data = jsonb_set(data, '{version}', to_jsonb(cast(:floor as integer)))"

PARTS = (
    Part("jobs", "jobs.jobs", version=_VERSION, change=_CHANGE),
    Part("exports", "jobs.exports", version=_VERSION, change=_CHANGE),
)
