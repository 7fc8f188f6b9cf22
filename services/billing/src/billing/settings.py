from pydantic import Field

from chassis.settings import Port, ServiceSettings, WebAddressOrNone


class Settings(ServiceSettings):
    """What billing needs to know: what every service does, and how it reaches Stripe."""

    http_port: Port = Field(default=8004, description="Port for health and metrics")
    stripe_secret_key: str = Field(
        default="", description="Stripe's secret key; empty: nothing can be bought, every team is on Free"
    )
    stripe_api_base: WebAddressOrNone = Field(
        default=None, description="Where Stripe's API is; empty: Stripe itself"
    )
