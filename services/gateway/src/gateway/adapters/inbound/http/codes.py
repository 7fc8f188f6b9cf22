"""Every code a problem can have: its status, what it means, and what to do; printed as docs/errors.md."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One code; `statuses` are the HTTP statuses it comes with."""

    statuses: tuple[int, ...]
    means: str
    do: str


def _code(status: int, means: str, do: str) -> Code:
    return Code((status,), means, do)


def _missing(what: str) -> Code:
    return _code(404, f"There is no such {what} in this team.", "Check the id, and whose API key it is.")


AGAIN = "Repeat the request after `Retry-After` seconds."
CODES: dict[str, Code] = {
    # what was sent
    "bad_request": _code(400, "The request cannot be read.", "Send well-formed HTTP and JSON."),
    "unreadable": _code(400, "The body is not text in UTF-8.", "Send UTF-8."),
    "invalid_cursor": _code(
        400, "The cursor does not belong to this list.", "Use `next_cursor` of the same list."
    ),
    "invalid_request": _code(
        422, "Something in the request is not as described; `errors` says what.", "Correct it and ask again."
    ),
    "method_not_allowed": _code(405, "This address does not know that method.", "See the description."),
    "not_found": Code(
        (404,), "There is no such address, job, image or model.", "Check the path and the ids."
    ),
    "http_error": Code((415, 406, 501), "The request cannot be answered as it was sent.", "Read `detail`."),
    "body_too_slow": _code(
        408,
        "The body did not come in time.",
        "Send it at once, over a better connection; repeat the request.",
    ),
    "body_too_large": _code(413, "The body is larger than `limit` bytes.", "Send less."),
    "idempotency_key_reused": _code(
        422,
        "This Idempotency-Key was used for another request in the last 24 hours.",
        "Use a new key for a new request.",
    ),
    # who asks
    "not_authenticated": _code(
        401, "No API key or session, or one that is not valid.", "Send a key that is, or sign in."
    ),
    "invalid_credentials": _code(401, "Address or password is wrong.", "Try again, or reset the password."),
    "invalid_signature": Code(
        (400, 401), "A webhook was not signed by who should have.", "Nothing: it is refused."
    ),
    "not_permitted": _code(
        403, "The caller's role or the key's scopes do not allow this.", "Ask with one of `permissions`."
    ),
    "email_not_verified": _code(
        403, "The e-mail address must be verified first.", "Follow the link in the mail."
    ),
    "cross_origin": _code(403, "Another site made a browser send this.", "Use an API key from other sites."),
    "email_taken": _code(409, "Somebody has signed up with this address.", "Sign in, or reset the password."),
    "too_many_attempts": _code(429, "Tried too often.", AGAIN),
    "csrf_token_invalid": _code(403, "The form is too old.", "Load the page again."),
    "wrong_password": _code(403, "The password is wrong.", "Try again, or reset it."),
    "wrong_address": _code(403, "The invitation is for another address.", "Sign in with that one."),
    "owners_only": _code(403, "Only owners decide about owners.", "Ask an owner."),
    "link_invalid": _code(400, "The link is wrong, too old, or was used already.", "Ask for another letter."),
    "already_member": _code(409, "Whoever has this address is in the team.", "Nothing."),
    "last_owner": _code(409, "A team needs an owner.", "Make somebody else one first, or close it."),
    "hand_over_first": _code(
        409, "Others work in the team.", "Make one of them an owner, or remove them, first."
    ),
    "name_mismatch": _code(422, "The name is not the team's.", "Type the name as it is."),
    "too_many_teams": _code(409, "One person may own only so many teams.", "Close one first."),
    "team_not_found": Code((404, 409), "There is no such team, or the caller is not in it.", "Check the id."),
    "session_not_found": _code(404, "The caller has no such session.", "List the sessions."),
    "member_not_found": _missing("member"),
    "invitation_not_found": _missing("invitation"),
    # money
    "insufficient_credits": _code(
        402, "It costs `required`, and the team can spend `spendable`.", "Top up, or ask for less."
    ),
    "key_budget_exceeded": _code(
        402, "The API key's budget is too small for this.", "Use another key, or a larger budget."
    ),
    "max_credits_exceeded": _code(
        402, "It would cost more than `max_credits`.", "Raise the ceiling, or ask for less."
    ),
    "quote_expired": _code(409, "The offer has expired.", "Ask for a new one."),
    "quote_mismatch": _code(
        409, "The offer does not cover this, or was taken up already.", "Ask for a new one."
    ),
    "account_frozen": _code(
        409, "The team's account is frozen, because a payment is disputed.", "Settle the payment."
    ),
    "quote_pending": _code(503, "The offer is on its way.", "Repeat the request with its Idempotency-Key."),
    "billing_pending": _code(503, "The page is on its way.", "Repeat the request with its Idempotency-Key."),
    "billing_unknown": _code(503, "What the team pays is not known yet.", AGAIN),
    "plans_unknown": _code(503, "The plans are not known yet.", AGAIN),
    "already_subscribed": _code(409, "The team has a paid plan already.", "Change it in the portal."),
    "payments_not_ready": _code(409, "Payments are not ready yet.", "Try again in a minute."),
    "cap_too_low": _code(409, "The monthly cap is less than one pack costs.", "Raise it."),
    "threshold_too_low": _code(409, "It is not said when to buy a pack.", "Name a threshold."),
    "no_card": _code(409, "There is no card to charge.", "Pay for something once first."),
    "nothing_bought": _code(409, "The team has not paid for anything yet.", "Choose a plan first."),
    "nothing_chosen": _code(409, "Neither a plan nor a pack was chosen, or both.", "Choose one."),
    "payments_not_configured": _code(409, "Nothing can be bought here.", "Every team is on Free."),
    "pack_not_found": _code(404, "There is no such pack of credits.", "List the plans and packs."),
    "plan_not_found": _code(404, "There is no such plan.", "List the plans."),
    "pricing_unknown": _code(503, "The price list is not known yet.", AGAIN),
    # things
    "job_not_found": _missing("job"),
    "model_not_found": _missing("model"),
    "reference_model_not_found": _code(404, "There is no such reference model.", "List them."),
    "preview_not_found": _code(404, "The reference model has no picture yet.", "Show it without one."),
    "image_not_found": _missing("image"),
    "export_not_found": _missing("export"),
    "upload_not_found": _missing("upload"),
    "user_not_found": _missing("user"),
    "api_key_not_found": _missing("API key"),
    "webhook_endpoint_not_found": _missing("webhook endpoint"),
    "webhook_delivery_not_found": _missing("delivery to this endpoint"),
    # states
    "too_late": _code(
        409,
        "The job has ended already; or a request could not be decided in time, and nothing was charged.",
        "Nothing for a job; ask again under a new Idempotency-Key for a request.",
    ),
    "model_not_ready": _code(
        409, "The model has no trained version yet.", "Wait for `model.changed` with a version."
    ),
    "model_busy": _code(409, "Another version of the model is being trained.", "Wait until it is."),
    "model_in_use": _code(
        409, "A job of the model is open.", "Wait for it, cancel it, or delete with `cancel_jobs`."
    ),
    "version_not_found": _code(409, "The model has no such version.", "Take one of its `versions`."),
    "gone": _code(410, "The image was deleted or has expired.", "Make it again from its recipe."),
    "not_allowed": _code(403, "The team's plan does not include this.", "Choose another plan."),
    "reference_gone": _code(409, "The reference image of this job is no longer kept.", "Upload it again."),
    "version_gone": _code(409, "The model no longer has the version of this job.", "Take another one."),
    "model_gone": _code(409, "The model of this job was deleted.", "Take another one."),
    "not_repeatable": _code(409, "Only a generation can be made again.", "Refine the model instead."),
    "too_many_images": _code(422, "An export holds fewer images.", "Ask for several exports."),
    "too_many_exports": _code(429, "The team has as many exports open as it may.", "Wait for one to end."),
    "endpoint_disabled": _code(
        409, "Nothing is sent to a disabled endpoint.", "Enable it with PATCH `enabled: true`."
    ),
    "too_many_endpoints": _code(409, "A team may have 20 webhook endpoints.", "Delete one first."),
    "events_expired": _code(
        410, "Events before `oldest` are no longer kept.", "Read the lists again, then go on from `oldest`."
    ),
    # addresses
    "address_refused": _code(
        422, "No webhook may be sent to this address; `detail` says why.", "Name a public one."
    ),
    "url_refused": _code(422, "Nothing is fetched from this address.", "Name a public one."),
    "url_unreachable": _code(422, "The address did not answer with an image.", "Check it, or upload it."),
    "image_too_large": _code(422, "The image is larger than may be.", "Send a smaller one."),
    "not_an_image": _code(422, "What was found there is no image we know.", "Send JPEG, PNG or WebP."),
    # limits and outages
    "rate_limited": _code(429, "More requests a minute than the plan allows.", AGAIN),
    "queue_full": _code(
        429, "The team has as many open jobs as its plan allows.", "Wait until one ends, or cancel one."
    ),
    "too_many_streams": _code(429, "The team has too many event streams open.", "Close one first."),
    "backlog": _code(503, "Too much is waiting to be sent.", AGAIN),
    "keys_unavailable": _code(503, "The keys of who signs are not known now.", AGAIN),
    "store_unavailable": _code(503, "The store of images does not answer.", AGAIN),
    "unavailable": _code(503, "A part that is needed does not answer.", AGAIN),
    "internal_error": _code(
        500, "Something went wrong here; it is in our logs under `X-Request-Id`.", "Tell us that id."
    ),
}


def as_markdown() -> str:
    """Write the list as a document."""
    lines = [
        "# Errors",
        "",
        "Every error is `application/problem+json` (RFC 9457): `type`, `title`, `status`, a stable `code`,",
        "`detail` in words, and further members by code. `request_id`, also in the header `X-Request-Id`,",
        "finds it in the logs. A request with an `Idempotency-Key` can be repeated after any of them; a",
        "refusal is repeated as it was.",
        "",
        "| code | status | meaning | what to do |",
        "|---|---|---|---|",
    ]
    for name, code in sorted(CODES.items()):
        statuses = ", ".join(str(status) for status in code.statuses)
        lines.append(f"| `{name}` | {statuses} | {code.means} | {code.do} |")
    return "\n".join(lines) + "\n"
