import logging
from functools import partial

from prometheus_client import Gauge

from chassis.clock import Clock
from chassis.schedule import Schedule
from credits.application.announce_prices import announce_prices
from credits.application.expire_credits import expire_buckets, expire_holds
from credits.application.ports import Audit, Transaction
from credits.application.verify_ledger import verify_ledger

logger = logging.getLogger(__name__)
FINDINGS = Gauge("atelier_credits_audit_findings", "What the last audit of the ledger found")
HOUR = 3600.0


def schedules(transaction: Transaction, audit: Audit, clock: Clock) -> list[Schedule]:
    """Say what is done from time to time."""
    return [
        Schedule("announce prices", 5, partial(announce_prices, transaction, clock)),
        Schedule("expire holds", 60, partial(expire_holds, transaction, clock)),
        Schedule("expire buckets", 60, partial(expire_buckets, transaction, clock)),
        Schedule("verify ledger", 24 * HOUR, partial(_verify, audit)),
    ]


async def _verify(audit: Audit) -> None:
    report = await verify_ledger(audit)
    FINDINGS.set(report.findings)
    for check in report.checks:
        for finding in check.findings:
            logger.error("audit: %s: %s", check.name, finding)
