"""What all tables of the gateway are described with."""

from typing import Any

from sqlalchemy import Column, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from chassis.schema import metadata

SCHEMA = metadata("gateway")


def time(name: str, *, nullable: bool = False) -> Column[Any]:
    """Describe a moment."""
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def now(name: str) -> Column[Any]:
    """Describe the moment a row was written."""
    return Column(name, TIMESTAMP(timezone=True), nullable=False, server_default=text("clock_timestamp()"))
