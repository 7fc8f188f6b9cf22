"""What a team may do until billing has told its plan."""

from contracts.billing import Limits

FREE = Limits(running=1, open=20, per_minute=60)
