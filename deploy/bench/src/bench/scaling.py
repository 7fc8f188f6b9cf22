"""`python -m bench.scaling`: what shards bring when teams differ, and in which order a team is heard.

No server is needed. The load of teams follows Zipf's law: the n-th largest has 1/n^s of the largest one's.
"""

import argparse
import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import pairwise

TEAMS, SKEWS, SHARDS = 10_000, (0.8, 1.0, 1.2), (1, 8, 64, 512)
ONE_SHARD = 2_000.0
"""Holds a second of one credits process, as measured on many teams (docs/performance.md)."""
POCKETS = 16


@dataclass(frozen=True)
class Spread:
    """How a load falls on shards."""

    shards: int
    hottest: float
    largest_team: float

    @property
    def times_fair(self) -> float:
        """How much more the hottest shard has than its fair share."""
        return self.hottest * self.shards

    def holds(self, at_most: float = ONE_SHARD) -> float:
        """Tell how many holds a second all of it takes, when no shard does more than `at_most`."""
        return at_most / self.hottest


def zipf(teams: int, skew: float) -> list[float]:
    """Share the load of one among teams, the largest first."""
    weights = [1 / n**skew for n in range(1, teams + 1)]
    whole = sum(weights)
    return [weight / whole for weight in weights]


def shard_of(key: str, shards: int) -> int:
    """Find where a key lives: the same everywhere and for ever."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) % shards


def spread(loads: Sequence[float], shards: int, pockets: int = 1) -> Spread:
    """Put teams on shards by their id; who has more than a fair share is split into pockets first."""
    at = [0.0] * shards
    for team, load in enumerate(loads):
        parts = pockets if load > 1 / shards else 1
        for part in range(parts):
            at[shard_of(f"{team}/{part}" if parts > 1 else str(team), shards)] += load / parts
    return Spread(shards, max(at), loads[0])


def out_of_order(
    messages: int, consumers: int, consumer_of: Callable[[int], int], loads: Sequence[float]
) -> float:
    """Tell which share of messages is handled before an earlier one of its team.

    Consumers take messages as they come, each for as long as chance wants; `consumer_of` names the one that
    takes a team's, -1: whoever is free first.
    """
    chance = random.Random(7)  # noqa: S311 - no secret
    teams = chance.choices(range(len(loads)), loads, k=messages)
    free = [(0.0, consumer) for consumer in range(consumers)]
    heapq.heapify(free)
    own = [0.0] * consumers
    ended: dict[int, list[float]] = {}
    for team in teams:
        takes = chance.expovariate(1.0)
        chosen = consumer_of(team)
        if chosen < 0:
            at, chosen = heapq.heappop(free)
            heapq.heappush(free, (at + takes, chosen))
        else:
            at, own[chosen] = own[chosen], own[chosen] + takes
        ended.setdefault(team, []).append(at + takes)
    late = sum(sum(after < before for before, after in pairwise(times)) for times in ended.values())
    return late / messages


def _by_hash(consumers: int, team: int) -> int:
    return shard_of(str(team), consumers)


def lines() -> Iterator[str]:
    """Write both as tables a document can show."""
    yield f"| skew | largest team | shards | hottest shard | holds/s | {POCKETS} pockets for the largest |"
    yield "|--:|--:|--:|--:|--:|--:|"
    for skew in SKEWS:
        loads = zipf(TEAMS, skew)
        for shards in SHARDS:
            plain, split = spread(loads, shards), spread(loads, shards, POCKETS)
            yield (
                f"| {skew} | {loads[0]:.1%} | {shards} | {plain.times_fair:.1f} x its share "
                f"| {plain.holds():,.0f} | {split.holds():,.0f} |"
            )
    yield ""
    yield "| consumers | whoever is free | one by the team's hash |"
    yield "|--:|--:|--:|"
    loads = zipf(TEAMS, 1.0)
    for consumers in (1, 2, 8, 32):
        free = out_of_order(20_000, consumers, lambda _: -1, loads)
        hashed = out_of_order(20_000, consumers, partial(_by_hash, consumers), loads)
        yield f"| {consumers} | {free:.1%} out of order | {hashed:.1%} |"


def main() -> None:
    """Print what the simulation finds."""
    argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__).parse_args()
    print("\n".join(lines()))


if __name__ == "__main__":
    main()
