from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from sandbox.s3.signature import Key


class S3Key(BaseModel):
    """The secret of an S3 access key, and which service's rights it has."""

    secret: str
    policy: Literal["jobs", "gateway"] = "jobs"


class Settings(BaseSettings):
    """Where the stand-ins listen, what they keep on disk and which keys they accept (`SANDBOX_*`)."""

    model_config = SettingsConfigDict(env_prefix="SANDBOX_", extra="ignore", populate_by_name=True)

    host: str = "127.0.0.1"
    hostnames: str = Field("localhost,127.0.0.1", description="what the certificate answers to")
    fal_port: int = Field(9443, description="https; 0 takes any free port, as with the others")
    s3_port: int = 9000
    stripe_port: int = Field(9200, description="http: the API and the hosted pages")
    control_port: int = 9100
    smtp_port: int = 9025
    ca_dir: Path = Field(Path(".local/sandbox/ca"), description="certificate authority, webhook signing key")
    fal_key: str = "sandbox:fal-secret"
    s3_access: dict[str, S3Key] = Field(
        {
            "sandbox-jobs": S3Key(secret="sandbox-jobs-secret", policy="jobs"),  # noqa: S106 # opens nothing real
            "sandbox-gateway": S3Key(secret="sandbox-gateway-secret", policy="gateway"),  # noqa: S106 # the same
        },
        validation_alias="SANDBOX_S3_KEYS",
        description='JSON: {"access key": {"secret": "...", "policy": "jobs" or "gateway"}}',
    )
    s3_bucket: str = "atelier"
    cache_megabytes: int = Field(128, description="pictures kept in memory; others are drawn again")

    stripe_key: str = Field("sk_test_sandbox_atelier", description="the secret key that Stripe accepts")
    stripe_pages_url: str | None = Field(
        None, description="where people reach the hosted pages, if elsewhere"
    )
    stripe_webhook_url: str | None = Field(
        None, description="an endpoint that hears every event from the start"
    )
    stripe_webhook_secret: str = Field(
        "whsec_sandbox_atelier", description="what its webhooks are signed with"
    )

    @property
    def s3_keys(self) -> dict[str, Key]:
        """The S3 access keys as the stand-in reads them."""
        return {name: Key(secret=key.secret, policy=key.policy) for name, key in self.s3_access.items()}

    def names(self) -> list[str]:
        """Every name and address the certificate answers to."""
        return [name.strip() for name in self.hostnames.split(",") if name.strip()]
