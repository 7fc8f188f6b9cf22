"""A request that is good, for what is bad to be told from."""

from uuid import uuid4

GOOD = {"prompt": "x", "reference_model_id": str(uuid4())}
