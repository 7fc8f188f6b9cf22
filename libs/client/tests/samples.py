"""Documents as the server writes them."""

import json
from typing import Any

JOB_ID = "0199f3a0-5d7e-7c3a-9a52-3f1d2b4c5e6f"
AT = "2026-03-01T12:00:00Z"
BALANCE: dict[str, Any] = {
    "version": 3, "available": 42, "bonus": 0, "reserved": 8, "uncollected": 0, "frozen": False,
    "buckets": [], "next_replenishment_at": None, "running": 1, "running_limit": 1, "open": 1,
    "open_limit": 20, "plan": "free",
}  # fmt: skip
QUOTE: dict[str, Any] = {"id": JOB_ID, "items": [], "total": 8, "price_version": 1, "expires_at": AT}


def job(status: str, **more: object) -> dict[str, Any]:
    recipe = {
        "version": None, "reference_model_id": None, "name": "", "description": "", "instructions": "",
        "prompt": "At the harbour, at dawn", "negative_prompt": "", "seed": None,
        "size": {"width": 64, "height": 64}, "quality": "standard", "format": "jpeg",
    }  # fmt: skip
    return {
        "id": JOB_ID, "type": "generate_images", "status": status, "version": 1, "quantity": 1, "code": None,
        "reason": "", "position": None, "progress": None, "model_id": None, "recipe": recipe, "cost": None,
        "results": [], "receipt": None, "timeline": [], "created_at": AT, "updated_at": AT,
        "expires_at": None, **more,
    }  # fmt: skip


def image(url: str | None) -> dict[str, Any]:
    return {
        "id": f"{JOB_ID}_1", "n": 1, "url": url, "thumbnail_url": None, "download_url": None, "width": 64,
        "height": 64, "seed": "7", "withheld": False, "deleted": False, "pinned": False, "expires_at": None,
    }  # fmt: skip


def event(seq: int, subject: str = JOB_ID) -> dict[str, Any]:
    return {"seq": seq, "type": "job.changed", "subject": subject, "version": seq, "at": AT, "data": {}}


def message(seq: int, subject: str = JOB_ID) -> str:
    return f"id: {seq}\nevent: job.changed\ndata: {json.dumps(event(seq, subject))}\n\n"
