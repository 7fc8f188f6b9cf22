"""Who goes next: the team with the fewest jobs running, then priority, then age."""

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued job, as far as its turn is concerned."""

    job_id: UUID
    team_id: UUID
    priority: int
    created_at: datetime

    @property
    def turn(self) -> tuple[int, datetime, UUID]:
        """Order within a team: the higher priority first, then the older."""
        return -self.priority, self.created_at, self.job_id


def choose(
    waiting: Iterable[Waiting], running: Mapping[UUID, int], limits: Mapping[UUID, int], free: int
) -> list[UUID]:
    """Choose at most `free` jobs, never more of a team than its limit leaves, in the order they start."""
    queues: defaultdict[UUID, deque[Waiting]] = defaultdict(deque)
    for job in sorted(waiting, key=lambda job: job.turn):
        queues[job.team_id].append(job)
    heap = [(running.get(team, 0), queue[0].turn, team) for team, queue in queues.items()]
    heapq.heapify(heap)
    chosen: list[UUID] = []
    while heap and len(chosen) < free:
        count, _, team = heapq.heappop(heap)
        if count >= limits[team]:
            continue
        queue = queues[team]
        chosen.append(queue.popleft().job_id)
        if queue:
            heapq.heappush(heap, (count + 1, queue[0].turn, team))
    return chosen
