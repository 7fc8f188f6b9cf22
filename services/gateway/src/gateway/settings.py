from email.utils import parseaddr
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from chassis.settings import Given, Port, ServiceSettings, WebAddress, WebAddressOrNone


class OutwardSettings(ServiceSettings):
    """What the gateway needs to know to sign links and to send webhooks."""

    s3_public_endpoint: WebAddressOrNone = Field(
        default=None, description="Where clients reach the bucket; empty: AWS itself"
    )
    s3_bucket: Given = Field(description="The private bucket of images and uploads")
    aws_region: Given = Field(default="us-east-1", description="The bucket's region")
    aws_access_key_id: Given = Field(description="May GetObject, and PutObject under uploads/")
    aws_secret_access_key: Given = Field(description="Belongs to the key id")
    cloudfront_url: WebAddressOrNone = Field(
        default=None, description="CloudFront in front of the bucket; empty: links lead to the bucket"
    )
    cloudfront_key_pair_id: str | None = Field(
        default=None, description="Id of the key links are signed with"
    )
    cloudfront_private_key: SecretStr | None = Field(default=None, description="That RSA key, in PEM")
    webhook_patience: float = Field(
        default=15, gt=0, le=60, description="Seconds that a client's webhook endpoint has to answer"
    )

    @field_validator("cloudfront_private_key")
    @classmethod
    def _is_rsa(cls, key: SecretStr | None) -> SecretStr | None:
        if key and key.get_secret_value() and not _is_rsa_key(key.get_secret_value()):
            raise ValueError("must be an RSA key in PEM, without a passphrase")
        return key

    @model_validator(mode="after")
    def _cloudfront_whole(self) -> Self:
        secret = self.cloudfront_private_key.get_secret_value() if self.cloudfront_private_key else None
        parts = (self.cloudfront_url, self.cloudfront_key_pair_id, secret)
        if any(parts) and not all(parts):
            raise ValueError(
                "CLOUDFRONT_URL, CLOUDFRONT_KEY_PAIR_ID and CLOUDFRONT_PRIVATE_KEY belong together"
            )
        return self


class Settings(OutwardSettings):
    """What the gateway needs to know to serve its API."""

    http_port: Port = Field(default=8000, description="Port for the API, health and metrics")
    fal_jwks_url: WebAddress = Field(
        default="https://rest.fal.ai/.well-known/jwks.json",
        description="Where fal publishes its webhook keys",
    )
    stripe_webhook_secret: str = Field(
        default="",
        description="Signs Stripe's webhooks; several, comma-separated, while one replaces another",
    )
    sign_ups_per_hour: int = Field(
        default=100, ge=1, description="Accounts that one address may open in an hour"
    )
    sign_ins_per_quarter: int = Field(
        default=100, ge=1, description="Sign-ins that one address may try in 15 minutes"
    )
    smtp_url: str = Field(
        description="The mail server: smtp://user:password@host:587 (STARTTLS), smtps:// (TLS at once); "
        "without a user, smtp:// encrypts when the server can",
    )
    mail_from: str = Field(
        default="Atelier <no-reply@atelier.example>", description="Whom letters come from, as name <address>"
    )
    require_verified_email: bool = Field(
        default=True, description="Whether credits are spent only by who has verified their e-mail address"
    )
    streams_per_team: int = Field(
        default=20, ge=1, description="Event streams that a team may have open in one process"
    )
    orders_live: float = Field(
        default=900,
        gt=0,
        description="Seconds in which credits must decide a request, or it is declined",
    )
    outbox_limit: int = Field(
        default=10_000, ge=1, description="Messages that may wait to be sent before requests are refused"
    )
    drain_seconds: float = Field(
        default=5,
        ge=0,
        description="Seconds that it goes on answering after SIGTERM, while others learn to route past it",
    )

    @field_validator("smtp_url")
    @classmethod
    def _is_smtp(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0:
            raise ValueError("must be smtp://host:port or smtps://host:port")
        return url

    @field_validator("mail_from")
    @classmethod
    def _is_address(cls, sender: str) -> str:
        if "@" not in parseaddr(sender)[1]:
            raise ValueError("must be an address, as name <address>")
        return sender

    @property
    def stripe_secrets(self) -> tuple[str, ...]:
        """Each of the secrets."""
        return tuple(each.strip() for each in self.stripe_webhook_secret.split(",") if each.strip())


class ProjectorSettings(ServiceSettings):
    """What the gateway's projector needs to know."""

    http_port: Port = Field(default=8010, description="Port for health and metrics")


class DelivererSettings(OutwardSettings):
    """What the gateway's sender of webhooks needs to know."""

    http_port: Port = Field(default=8020, description="Port for health and metrics")


def _is_rsa_key(text: str) -> bool:
    # Loaded here, because it takes 7 MB that only those need who have a key.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return isinstance(load_pem_private_key(text.encode(), password=None), RSAPrivateKey)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False  # whatever the library says of it may quote it
