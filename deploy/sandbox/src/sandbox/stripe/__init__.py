"""Stripe: prices, checkout, portal, subscriptions, invoices, refunds, disputes, webhooks, clocks."""

from sandbox.stripe.control import control_routes
from sandbox.stripe.service import Stripe

__all__ = ["Stripe", "control_routes"]
