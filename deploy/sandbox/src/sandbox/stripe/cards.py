"""Stripe's test cards: which brand they show and what happens when they are charged.

Source: https://docs.stripe.com/testing (numbers, `tok_...` and `pm_card_...`).
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Card:
    """One test card."""

    brand: str = "visa"
    last4: str = "4242"
    code: str | None = None  # the error's code when a charge fails
    decline_code: str | None = None
    attaches: bool = True
    authentication: str = "never"  # never, always, or unless_saved: needed for the first payment only
    dispute: str | None = None  # the state of the dispute that a charge brings at once

    def stored(self) -> dict[str, object]:
        """Return the `card` part of a payment method."""
        return {
            "brand": self.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": "US",
            "display_brand": self.brand,
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": f"sandbox{self.brand}{self.last4}",
            "funding": "credit",
            "generated_from": None,
            "last4": self.last4,
            "networks": {"available": [self.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        }


def _declined(last4: str, decline_code: str, code: str = "card_declined") -> Card:
    return Card(last4=last4, code=code, decline_code=decline_code, attaches=False)


_GENERIC = _declined("0002", "generic_decline")
_POOR = _declined("9995", "insufficient_funds")

CARDS = {
    "visa": Card(),
    "visa_debit": Card(last4="5556"),
    "mastercard": Card("mastercard", "4444"),
    "amex": Card("amex", "8431"),
    "discover": Card("discover", "1117"),
    "us": Card(),
    "chargeDeclined": _GENERIC,
    "visa_chargeDeclined": _GENERIC,
    "chargeDeclinedInsufficientFunds": _POOR,
    "visa_chargeDeclinedInsufficientFunds": _POOR,
    "chargeDeclinedLostCard": _declined("9987", "lost_card"),
    "visa_chargeDeclinedLostCard": _declined("9987", "lost_card"),
    "chargeDeclinedStolenCard": _declined("9979", "stolen_card"),
    "visa_chargeDeclinedStolenCard": _declined("9979", "stolen_card"),
    "chargeDeclinedFraudulent": _declined("0019", "fraudulent"),
    "chargeDeclinedExpiredCard": _declined("0069", "expired_card", "expired_card"),
    "chargeDeclinedIncorrectCvc": _declined("0127", "incorrect_cvc", "incorrect_cvc"),
    "chargeDeclinedProcessingError": _declined("0119", "processing_error", "processing_error"),
    # Saved without complaint, refused at every charge: what a renewal on a dead card looks like.
    "chargeCustomerFail": replace(_GENERIC, last4="0341", attaches=True),
    "threeDSecure2Required": Card(last4="3220", authentication="always"),
    "threeDSecureRequired": Card(last4="3063", authentication="always"),
    "authenticationRequired": Card(last4="3184", authentication="always"),
    "authenticationRequiredOnSetup": Card(last4="3155", authentication="unless_saved"),
    "createDispute": Card(last4="0259", dispute="needs_response"),
    "createDisputeInquiry": Card(last4="1976", dispute="warning_needs_response"),
    "createDisputeProductNotReceived": Card(last4="2685", dispute="needs_response"),
}

_NUMBERS = {
    "4242424242424242": "visa",
    "4000056655665556": "visa_debit",
    "5555555555554444": "mastercard",
    "378282246310005": "amex",
    "4000000000000002": "chargeDeclined",
    "4000000000009995": "chargeDeclinedInsufficientFunds",
    "4000000000009987": "chargeDeclinedLostCard",
    "4000000000009979": "chargeDeclinedStolenCard",
    "4000000000000069": "chargeDeclinedExpiredCard",
    "4000000000000127": "chargeDeclinedIncorrectCvc",
    "4000000000000119": "chargeDeclinedProcessingError",
    "4000000000000341": "chargeCustomerFail",
    "4000000000003220": "threeDSecure2Required",
    "4000002760003184": "authenticationRequired",
    "4000002500003155": "authenticationRequiredOnSetup",
    "4000000000000259": "createDispute",
    "4000000000001976": "createDisputeInquiry",
}


def by_token(token: str) -> str | None:
    """Return the name of the card a `tok_...` or `pm_card_...` stands for."""
    for prefix in ("pm_card_", "tok_"):
        if token.startswith(prefix) and token.removeprefix(prefix) in CARDS:
            return token.removeprefix(prefix)
    return None


def by_number(number: str) -> str | None:
    """Return the name of the card of a test number."""
    return _NUMBERS.get(number.replace(" ", ""))


_REASONS = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


def reason(decline_code: str | None) -> str:
    """Return what Stripe tells a person about a decline."""
    return _REASONS.get(decline_code or "", "Your card was declined.")
