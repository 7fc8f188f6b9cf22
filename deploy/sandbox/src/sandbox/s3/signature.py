"""AWS Signature Version 4 for S3: requests signed in a header, and presigned links.

Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypedDict
from urllib.parse import quote

from sandbox.s3.call import Call
from sandbox.s3.problem import S3Problem, access_denied

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
_SKEW_SECONDS = 15 * 60
_LONGEST_LINK_SECONDS = 7 * 24 * 3600
_SPACES = re.compile(r" +")
_STAMP = "%Y%m%dT%H%M%SZ"


class Key(TypedDict):
    """One access key: its secret, and what its holder may do."""

    secret: str
    policy: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its signature, before any of it is believed."""

    access_key: str
    scope: str
    signed_headers: tuple[str, ...]
    signature: str
    stamp: str
    payload_hash: str
    presigned: bool


def authenticate(call: Call, keys: Mapping[str, Key], now: float | None = None) -> Key:
    """Return the key that signed the request.

    Raises:
        S3Problem: nobody signed it, the key is unknown, the signature is another, or its time is over.
    """
    claim = _claim(call)
    key = keys.get(claim.access_key)
    if key is None:
        raise S3Problem(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            AWSAccessKeyId=claim.access_key,
        )
    _check_time(call, claim, time.time() if now is None else now)
    _check_coverage(call, claim)
    _check_signature(call, claim, key["secret"])
    return key


def _claim(call: Call) -> Claim:
    if "X-Amz-Algorithm" in call.query or "X-Amz-Signature" in call.query:
        return _presigned_claim(call)
    authorization = call.header("Authorization")
    if authorization.startswith(ALGORITHM):
        return _header_claim(call, authorization.removeprefix(ALGORITHM))
    if authorization or "AWSAccessKeyId" in call.query:
        raise S3Problem(
            400,
            "InvalidRequest",
            f"The authorization mechanism you have provided is not supported. Please use {ALGORITHM}.",
        )
    raise access_denied()


def _header_claim(call: Call, fields: str) -> Claim:
    parts = dict(field.strip().partition("=")[::2] for field in fields.split(","))
    access_key, _, scope = parts.get("Credential", "").partition("/")
    signed = tuple(parts.get("SignedHeaders", "").split(";"))
    stamp = call.header("x-amz-date")
    if not (_scope_is_sound(scope, stamp) and parts.get("Signature")):
        raise S3Problem(400, "AuthorizationHeaderMalformed", "The authorization header is malformed.")
    payload_hash = call.header("x-amz-content-sha256")
    if not payload_hash:
        message = "Missing required header for this request: x-amz-content-sha256"
        raise S3Problem(400, "InvalidRequest", message)
    return Claim(access_key, scope, signed, parts["Signature"], stamp, payload_hash, presigned=False)


def _presigned_claim(call: Call) -> Claim:
    query = call.query
    access_key, _, scope = query.get("X-Amz-Credential", "").partition("/")
    stamp = query.get("X-Amz-Date", "")
    sound = query.get("X-Amz-Algorithm") == ALGORITHM and _scope_is_sound(scope, stamp)
    if not (sound and query.get("X-Amz-Signature") and _lifetime(query) is not None):
        message = (
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
            "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        )
        raise S3Problem(400, "AuthorizationQueryParametersError", message)
    signed = tuple(query.get("X-Amz-SignedHeaders", "").split(";"))
    payload_hash = call.header("x-amz-content-sha256") or query.get("X-Amz-Content-Sha256") or UNSIGNED
    return Claim(access_key, scope, signed, query["X-Amz-Signature"], stamp, payload_hash, presigned=True)


def _scope_is_sound(scope: str, stamp: str) -> bool:
    parts = scope.split("/")
    well_formed = len(parts) == 4 and parts[2:] == ["s3", "aws4_request"] and stamp.startswith(parts[0])
    return well_formed and re.fullmatch(r"\d{8}T\d{6}Z", stamp) is not None


def _lifetime(query: Mapping[str, str]) -> int | None:
    text = query.get("X-Amz-Expires", "")
    seconds = int(text) if text.isdecimal() else 0
    return seconds if 1 <= seconds <= _LONGEST_LINK_SECONDS else None


def _check_time(call: Call, claim: Claim, now: float) -> None:
    signed_at = _signed_at(claim.stamp)
    if not claim.presigned:
        if abs(now - signed_at) > _SKEW_SECONDS:
            message = "The difference between the request time and the current time is too large."
            raise S3Problem(403, "RequestTimeTooSkewed", message, RequestTime=claim.stamp)
        return
    if signed_at - now > _SKEW_SECONDS:
        raise access_denied("Request is not yet valid")
    lifetime = _lifetime(call.query) or 0
    if now >= signed_at + lifetime:
        raise access_denied(
            "Request has expired",
            **{"X-Amz-Expires": str(lifetime)},
            Expires=_iso(signed_at + lifetime),
            ServerTime=_iso(now),
        )


def _signed_at(stamp: str) -> float:
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise access_denied("AWS authentication requires a valid Date or x-amz-date header") from None


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _check_coverage(call: Call, claim: Claim) -> None:
    """Refuse headers that mean something to S3 and that the signer did not sign."""
    signed = set(claim.signed_headers)
    present = {name.lower() for name in call.request.headers}
    exempt = {"x-amz-content-sha256"} if claim.presigned else set()
    unsigned = {name for name in present if name.startswith("x-amz-")} - signed - exempt
    if "host" not in signed or unsigned:
        message = "There were headers present in the request which were not signed"
        raise access_denied(message, HeadersNotSigned=", ".join(sorted(unsigned or {"host"})))


def _check_signature(call: Call, claim: Claim, secret: str) -> None:
    canonical = _canonical_request(call, claim)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{claim.stamp}\n{claim.scope}\n{digest}"
    expected = hmac.new(_signing_key(secret, claim.scope), to_sign.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise S3Problem(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
            AWSAccessKeyId=claim.access_key,
            StringToSign=to_sign,
            SignatureProvided=claim.signature,
            CanonicalRequest=canonical,
        )


@lru_cache(maxsize=256)
def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _canonical_request(call: Call, claim: Claim) -> str:
    query = sorted(
        (quote(name, safe=""), quote(value, safe=""))
        for name, value in call.query.items()
        if name != "X-Amz-Signature"
    )
    headers = "".join(f"{name}:{_header_value(call, name)}\n" for name in claim.signed_headers)
    return "\n".join(
        (
            call.method,
            call.canonical_path(),
            "&".join(f"{name}={value}" for name, value in query),
            headers,
            ";".join(claim.signed_headers),
            claim.payload_hash,
        )
    )


def _header_value(call: Call, name: str) -> str:
    values = call.request.headers.getall(name, [])
    return ",".join(_SPACES.sub(" ", value.strip()) for value in values)
