"""Which tables grow under a steady load, and why they may: history that is kept, and what prunes others."""

_BOOKS = "kept: the books, with what they were decided on"
_JOBS = "kept: the jobs a team can look at, with each call made for them"
_MODELS = "kept: a team's models, until it deletes them"
_VIEW = "kept: the view of what is kept"

HISTORY = {
    "credits.holds": _BOOKS,
    "credits.hold_allocations": _BOOKS,
    "credits.ledger_entries": _BOOKS,
    "credits.ledger_transactions": _BOOKS,
    "credits.requests": _BOOKS,
    "jobs.jobs": _JOBS,
    "jobs.attempts": _JOBS,
    "jobs.models": _MODELS,
    "jobs.model_versions": _MODELS,
    "jobs.weights": _MODELS,
    "catalog.models": _MODELS,
    "catalog.trainings": _MODELS,
    "catalog.uses": "kept: a row for each job that counts for popularity, so that none counts twice",
    "gateway.view_jobs": _VIEW,
    "gateway.view_models": _VIEW,
    "gateway.view_credit_entries": _VIEW,
    "gateway.view_exports": _VIEW,
}
"""What a team, or an auditor, may ask for years later."""

PRUNED = {
    "gateway.requests": "pruned: tidy-up, after 24 h",
    "gateway.event_log": "pruned: tidy-up, after 30 days",
    "gateway.webhook_deliveries": "pruned: tidy-up, after 30 days",
    "gateway.webhook_attempts": "pruned: tidy-up, with their deliveries",
    "gateway.activity": "pruned: tidy-up, after its time",
    "gateway.sessions": "pruned: tidy-up, when they expire",
    "gateway.view_images": "pruned: with the images, after 90 days",
    "gateway.balanced": "bounded: a row for each team",
    "gateway.findings": "pruned: the next audit, unless it lasts",
    "jobs.tombstones": "pruned: after their time",
}
"""What goes again by itself, later than a soak lasts."""
