"""What a team may change itself on Stripe's page: to more at once, to less when the period ends."""

from typing import Any

from stripe import StripeClient

MARK = {"atelier": "plans"}


async def find_configuration(client: StripeClient) -> str | None:
    """Find the configuration that is ours."""
    found = await client.v1.billing_portal.configurations.list_async({"active": True, "limit": 100})
    for each in found.data:
        if (each.metadata.to_dict() if each.metadata else {}) == MARK:
            return each.id
    return None


def configuration(products: dict[str, list[str]]) -> Any:  # noqa: ANN401 - the client's own parameters
    """Describe what the portal offers; `products` maps each product to its prices."""
    return {
        "metadata": MARK,
        "business_profile": {"headline": "Atelier"},
        "features": {
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True},
            "customer_update": {"enabled": True, "allowed_updates": ["email", "address", "tax_id"]},
            "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
            "subscription_update": {
                "enabled": True,
                "default_allowed_updates": ["price"],
                # The rest of the period is charged at once: then its credits come at once.
                "proration_behavior": "always_invoice",
                "products": [{"product": product, "prices": prices} for product, prices in products.items()],
                "schedule_at_period_end": {
                    "conditions": [{"type": "decreasing_item_amount"}, {"type": "shortening_interval"}]
                },
            },
        },
    }
