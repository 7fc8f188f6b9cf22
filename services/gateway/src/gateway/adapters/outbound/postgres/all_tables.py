"""The gateway's whole schema: all modules that describe a part of it."""

from gateway.adapters.outbound.postgres import (
    images_tables,
    people_tables,
    rate_tables,
    tables,
    webhook_tables,
)

SCHEMA = tables.SCHEMA
PARTS = (tables, people_tables, images_tables, rate_tables, webhook_tables)
