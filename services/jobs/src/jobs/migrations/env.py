from chassis.migrate import run_env
from jobs.adapters.outbound.tables import METADATA

run_env(METADATA)
