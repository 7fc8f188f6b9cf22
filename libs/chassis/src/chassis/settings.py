"""The settings every process reads from its environment, and one clear line when they are wrong."""

import os
import sys
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

Network = IPv4Network | IPv6Network


def _split(value: Any) -> Any:  # noqa: ANN401 - what comes before validation may be anything
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]


def _is_address(*schemes: str) -> AfterValidator:
    """Accept an address of one of these schemes that names a host."""

    def check(address: str) -> str:
        parts = urlsplit(address)
        if parts.scheme not in schemes or not parts.hostname or parts.port == 0:
            raise ValueError(f"must be an address that begins with {' or '.join(f'{s}://' for s in schemes)}")
        return address

    return AfterValidator(check)


def _is_host(host: str) -> str:
    """Accept the name of a host, or its address, with a port or without."""
    parts = urlsplit(f"//{host}")
    if parts.netloc != host or not parts.hostname or "@" in host or parts.port == 0:
        raise ValueError("must be a host, or host:port")
    return host


def _or_none(value: Any) -> Any:  # noqa: ANN401 - what comes before validation may be anything
    return None if value == "" else value


WebAddress = Annotated[str, _is_address("http", "https")]
WebAddressOrNone = Annotated[WebAddress | None, BeforeValidator(_or_none)]
Host = Annotated[str, AfterValidator(_is_host)]
Given = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(ge=0, le=65_535)]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class FromFiles(PydanticBaseSettingsSource):
    """Reads the setting `X` from the file that `X_FILE` names, as secrets are mounted."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Read one setting's file, if one is named."""
        path = os.environ.get(f"{field_name.upper()}_FILE")
        return (Path(path).read_text().strip() if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Read every setting that has a file."""
        fields = self.settings_cls.model_fields.items()
        found = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in found.items() if value is not None}


class ServiceSettings(BaseSettings):
    """What every service needs to know. A secret `X` may also come from the file named by `X_FILE`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the environment alone decides
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Look first at what is given, then at named files, then at the environment."""
        return init_settings, FromFiles(settings_cls), env_settings

    database_url: Annotated[str, _is_address("postgresql", "postgres")] = Field(
        description="Postgres, as postgresql://role:password@host:port/database"
    )
    rabbitmq_url: Annotated[str, _is_address("amqp", "amqps")] = Field(
        description="RabbitMQ, as amqp://user:password@host:port/vhost"
    )
    database_pool: int = Field(default=8, ge=1, description="Connections to Postgres per process")
    http_host: Given = Field(default="127.0.0.1", description="Where this process listens")
    http_port: Port = Field(description="Port for the API, health and metrics")
    public_url: WebAddress = Field(
        default="http://127.0.0.1:8000", description="Where others reach the gateway"
    )
    log_level: LogLevel = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
    otel_exporter_otlp_endpoint: WebAddressOrNone = Field(
        default=None, description="OpenTelemetry collector (OTLP over HTTP); empty: no traces are sent"
    )
    trace_ratio: float = Field(default=1.0, ge=0, le=1, description="Share of requests that are traced")
    trusted_networks: Networks = Field(
        default=(), description="Private networks that outgoing requests may reach, comma-separated"
    )


AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def load(settings: type[AnySettings]) -> AnySettings:
    """Read the settings of this process; wrong or missing ones end it with status 2 and a line each."""
    try:
        return settings()
    except ValidationError as error:
        problems = {"".join(map(str, each["loc"][:1])).upper(): each["msg"] for each in error.errors()}
        for name, problem in problems.items():
            print(f"{f'setting {name}' if name else 'settings'}: {problem}", file=sys.stderr)  # noqa: T201 - before logging exists
    except OSError as error:
        print(f"setting in a file: {error.strerror}: {error.filename}", file=sys.stderr)  # noqa: T201 - as above
    except UnicodeDecodeError:
        print("setting in a file: it is no text", file=sys.stderr)  # noqa: T201 - as above
    raise SystemExit(2)
