from pydantic import Field

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What billing needs to know: what every service does."""

    http_port: int = Field(default=8004, description="Port for health and metrics")
