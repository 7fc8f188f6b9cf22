from billing.adapters.outbound.tables import metadata
from chassis.migrate import run_env

run_env(metadata)
