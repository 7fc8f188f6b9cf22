from pydantic import Field

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What credits needs to know."""

    quote_lifetime: int = Field(default=900, ge=1, description="Seconds for which a quote binds")
    low_balance: int = Field(
        default=20, ge=0, description="A team is warned when it can spend less than this; 0: never"
    )
    uncollected_limit: int = Field(
        default=50, ge=0, description="A team that owes more credits than this cannot hold any"
    )
