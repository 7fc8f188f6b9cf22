from chassis.migrate import run_env
from gateway.adapters.outbound.postgres.all_tables import SCHEMA

run_env(SCHEMA)
