"""With which codes each operation can be refused, beside those that follow from what it takes."""

SPENDING = """
    insufficient_credits key_budget_exceeded max_credits_exceeded email_not_verified
    quote_expired quote_mismatch account_frozen too_late queue_full backlog"""
PAYING = "payments_not_configured payments_not_ready team_not_found:409 billing_pending backlog"
PROVING = "wrong_password too_many_attempts user_not_found"

# A code that comes with several statuses names the one meant.
REFUSALS: dict[str, str] = {
    # people
    "sign_up": "email_taken too_many_attempts",
    "sign_in": "invalid_credentials too_many_attempts",
    "change_password": PROVING,
    "ask_password_reset": "too_many_attempts",
    "reset_password": "link_invalid too_many_attempts",
    "verify_email": "link_invalid email_taken user_not_found too_many_attempts",
    "resend_verification": "user_not_found too_many_attempts",
    "get_me": "user_not_found",
    "update_me": f"{PROVING} email_taken",
    "delete_me": f"{PROVING} hand_over_first",
    "end_session": "session_not_found",
    # teams
    "open_team": "email_not_verified too_many_teams too_many_attempts user_not_found team_not_found:404",
    "switch_team": "team_not_found:404",
    "get_team": "team_not_found:404",
    "update_team": "team_not_found:404",
    "close_team": f"{PROVING} name_mismatch hand_over_first team_not_found:404",
    "change_role": "member_not_found owners_only last_owner",
    "remove_member": "member_not_found owners_only last_owner",
    "invite": "already_member owners_only too_many_attempts team_not_found:404 invitation_not_found",
    "revoke_invitation": "invitation_not_found",
    "get_invitation": "invitation_not_found",
    "accept_invitation": """
        not_authenticated invitation_not_found wrong_address email_taken already_member too_many_attempts""",
    "create_api_key": "api_key_not_found",
    "revoke_api_key": "api_key_not_found",
    # models
    "get_reference_model": "reference_model_not_found",
    "get_reference_model_preview": "preview_not_found",
    "fetch_upload": "url_refused url_unreachable image_too_large not_an_image store_unavailable",
    "create_model": f"{SPENDING} reference_model_not_found upload_not_found model_not_found",
    "refine_model": f"{SPENDING} model_not_found model_not_ready model_busy upload_not_found",
    "get_model": "model_not_found",
    "update_model": "model_not_found not_found backlog",
    "activate_version": "model_not_found version_not_found not_found backlog",
    "delete_model": "model_not_found model_in_use model_busy not_found backlog",
    # images
    "generate": f"""{SPENDING}
        model_not_found model_not_ready version_not_found reference_model_not_found upload_not_found
        job_not_found""",
    "compare_versions": f"""{SPENDING}
        model_not_found model_not_ready version_not_found upload_not_found job_not_found""",
    "regenerate": f"""{SPENDING}
        job_not_found not_repeatable reference_gone version_gone model_gone upload_not_found""",
    "get_generation": "job_not_found",
    "get_job": "job_not_found",
    "cancel_job": "job_not_found not_found too_late backlog",
    "delete_image": "image_not_found not_found backlog",
    "delete_images": "backlog",
    "pin_image": "image_not_found not_found gone not_allowed backlog",
    "unpin_image": "image_not_found not_found gone not_allowed backlog",
    "export_images": """
        image_not_found job_not_found export_not_found too_many_images too_many_exports backlog""",
    "get_export": "export_not_found",
    # money
    "get_pricing": "pricing_unknown",
    "request_quote": "quote_pending backlog",
    "list_plans": "plans_unknown",
    "get_billing": "billing_unknown",
    "open_checkout": f"{PAYING} already_subscribed plan_not_found",
    "open_top_up": f"{PAYING} pack_not_found",
    "open_portal": f"{PAYING} nothing_bought",
    "set_auto_top_up": f"{PAYING} billing_unknown pack_not_found cap_too_low no_card",
    # events and webhooks
    "list_events": "invalid_cursor events_expired too_many_streams",
    "create_webhook_endpoint": "address_refused too_many_endpoints webhook_endpoint_not_found",
    "update_webhook_endpoint": "address_refused webhook_endpoint_not_found",
    "delete_webhook_endpoint": "webhook_endpoint_not_found",
    "rotate_webhook_secret": "webhook_endpoint_not_found",
    "test_webhook_endpoint": "webhook_endpoint_not_found webhook_delivery_not_found endpoint_disabled",
    "list_webhook_deliveries": "webhook_endpoint_not_found",
    "redeliver_webhook": "webhook_endpoint_not_found webhook_delivery_not_found endpoint_disabled",
    "receive_fal_webhook": "invalid_signature:401 unreadable keys_unavailable",
    "receive_stripe_webhook": "invalid_signature:400 unreadable",
}
