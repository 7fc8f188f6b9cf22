from chassis.migrate import run_env
from gateway.adapters.outbound.postgres import images_tables  # noqa: F401 - adds its tables to the schema
from gateway.adapters.outbound.postgres.tables import SCHEMA

run_env(SCHEMA)
