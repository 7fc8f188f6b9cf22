from chassis.migrate import run_env
from credits.adapters.outbound.tables import METADATA

run_env(METADATA)
