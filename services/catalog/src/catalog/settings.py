from pydantic import Field

from chassis.settings import Port, ServiceSettings


class Settings(ServiceSettings):
    """What catalog needs to know: what every service does."""

    http_port: Port = Field(default=8003, description="Port for health and metrics")
