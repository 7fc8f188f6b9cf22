"""What the codes of statuses, operations, entries, roles and acts are called on the pages."""

STATUSES = {
    "accepted": "Accepted",
    "queued": "Waiting",
    "processing": "Working",
    "cancelling": "Cancelling",
    "completed": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "expired": "Expired",
    "pending": "Waiting",
    "training": "Training",
    "ready": "Ready",
    "deleted": "Deleted",
}
OPERATIONS = {"generate_images": "Images", "create_model": "New model", "refine_model": "Refinement"}
WAITING = {
    "plan_slots_busy": "your plan's slots are busy",
    "provider_busy": "the image provider is busy",
    "provider_unavailable": "the image provider is not answering; it will be tried again",
    "storage_unavailable": "the image store is not answering; it will be tried again",
}
HAPPENED = STATUSES | {
    "processing": "Started",
    "accepted_by_provider": "Taken by the image provider",
    "storing": "Storing",
    "settling": "Settling the price",
    "retried": "Tried again",
    "refused": "Refused",
}
"""What an entry of a job's timeline means."""
ENTRIES = {
    "reserve": "Held",
    "deduct": "Charged",
    "refund": "Given back",
    "replenish": "Monthly credits",
    "bonus": "Bonus",
    "top_up": "Bought",
    "adjustment": "Adjusted",
    "expire": "Expired",
    "claw_back": "Taken back",
}
LABELS = {
    "generate": "drawing",
    "reference_set": "drawing what to learn from",
    "train": "training",
    "samples": "drawing samples",
    "stored": "storing",
}
ROLES = {"owner": "Owner", "admin": "Admin", "member": "Member"}
ACTS = {
    "signed_up": "Signed up",
    "signed_in": "Signed in",
    "sign_in_failed": "Failed to sign in",
    "signed_out": "Signed out",
    "session_ended": "Signed a device out",
    "other_sessions_ended": "Signed all other devices out",
    "password_changed": "Changed the password",
    "password_reset_asked": "Asked for a new password",
    "password_reset": "Chose a new password",
    "email_change_asked": "Asked for another e-mail address",
    "email_verified": "Verified the e-mail address",
    "account_renamed": "Changed the own name",
    "team_opened": "Made the team",
    "team_renamed": "Renamed the team",
    "member_invited": "Invited",
    "invitation_revoked": "Revoked the invitation of",
    "invitation_accepted": "Joined the team",
    "role_changed": "Changed the role of",
    "member_removed": "Removed",
    "member_left": "Left the team",
    "key_created": "Made an API key",
    "key_revoked": "Revoked an API key",
}
SCOPES = (
    ("read", "Read", "models, jobs, images, credits", True),
    ("generate", "Generate", "make images", True),
    ("models", "Models", "make, refine and delete models", True),
    ("billing", "Billing", "plans, payments and invoices", False),
    ("admin", "Admin", "people, activity and webhooks", False),
)
"""What an API key may do: its name, what that is to a person, and whether it is usual."""
STANDINGS = {
    "trialing": "Trial",
    "past_due": "Payment failed",
    "canceled": "Cancelled",
    "paid": "Paid",
    "open": "To be paid",
    "void": "Void",
    "uncollectible": "Not paid",
    "refunded": "Refunded",
    "pending": "On its way",
    "superseded": "A newer one was sent",
}
"""What the status of a plan, an invoice or a webhook means."""
