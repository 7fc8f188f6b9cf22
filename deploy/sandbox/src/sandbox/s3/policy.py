"""What each key may do, as its IAM policy would say in a real account."""

from __future__ import annotations

from sandbox.s3.call import Call
from sandbox.s3.problem import access_denied

EVERYTHING = "jobs"
_UPLOADS = "uploads/"
_MULTIPART = {frozenset({"uploads"}), frozenset({"uploadId"}), frozenset({"partNumber", "uploadId"})}


def authorize(call: Call, policy: str, bucket: str) -> None:
    """Raise AccessDenied unless the policy allows it: `jobs` all on its bucket, `gateway` what links do."""
    if call.bucket != bucket:
        raise access_denied()
    if policy != EVERYTHING and not (_is_get_object(call) or _is_upload(call)):
        raise access_denied()


def may_list(policy: str) -> bool:
    """Tell whether a missing key may be called missing: without ListBucket, S3 answers 403 instead of 404."""
    return policy == EVERYTHING


def _is_get_object(call: Call) -> bool:
    return call.method in {"GET", "HEAD"} and bool(call.key) and not call.action


def _is_upload(call: Call) -> bool:
    writes = call.method == "PUT" or (call.method == "POST" and bool(call.action))
    return writes and call.key.startswith(_UPLOADS) and (not call.action or call.action in _MULTIPART)
