"""What is lifted after a restore; some documents are kept whole, beside their version."""

from chassis.lifting import Part

_DOCUMENT = "document = jsonb_set(document, '{version}', to_jsonb(cast(:floor as integer)))"

PARTS = (
    Part("plans", "billing.subscriptions", key="team_id"),
    Part("overviews", "billing.overviews", key="team_id", change=f"version = :floor, {_DOCUMENT}"),
    Part(
        "offers",
        "billing.offers",
        key="name",
        version="cast(document ->> 'version' as integer)",
        change=_DOCUMENT,
        kind="text",
    ),
)
