from chassis.migrate import run_env
from jobs.adapters.outbound.keeping_tables import METADATA

run_env(METADATA)
