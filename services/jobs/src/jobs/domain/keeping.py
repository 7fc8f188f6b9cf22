"""What becomes of images once they are delivered: deleted, pinned, warned of, expired. The recipe stays."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.jobs import ImagesExpiring, Result
from contracts.orders import Operation
from jobs.domain.document import document
from jobs.domain.effects import Follow, Nudge
from jobs.domain.material import copy_keys
from jobs.domain.record import JobRecord
from jobs.domain.rules import Rules
from jobs.domain.state import State

MOST_MOMENTS = 100
"""What a team does with its images is noted in the timeline no longer than this."""

Keys = tuple[str, str | None]
"""The keys of an image and of its thumbnail."""


class ImagesNotThere(Exception):
    """The job has no such images: it never made them, or has not delivered them yet."""


class ImagesGone(Exception):
    """The images were deleted or have expired."""


@dataclass(frozen=True, slots=True)
class Move:
    """Images on their way to where nothing expires (`pinned`), or back. `request_id` names their copies."""

    request_id: UUID
    team_id: UUID
    job_id: UUID
    numbers: tuple[int, ...]
    pinned: bool

    def target(self, result: Result) -> Keys:
        """Name the copies of an image: new names each time, so that nobody deletes what is written again."""
        key, thumbnail = copy_keys(self.team_id, self.job_id, result.n, str(result.key), self.request_id)
        place = "pinned/thumbs" if self.pinned else "thumbs"
        root = "pinned/images" if self.pinned else "images"
        return f"{root}/{key}", f"{place}/{thumbnail}" if result.thumbnail_key else None


@dataclass(slots=True, kw_only=True)
class Keeping(JobRecord):
    """A job whose images are kept for a while. `unwanted` are keys that nothing refers to any more."""

    def delete_images(self, numbers: Iterable[int], now: datetime, rules: Rules) -> list[Follow]:
        """Give images up for good; asked again, it answers with what is. Raises ImagesNotThere."""
        live = {result.n for result in self._chosen(numbers) if result.key}
        if not live:
            return [document(self)]
        self._drop(live)
        self._reckon(rules)
        return [*self._tell(now, "images_deleted", _listed(live)), Nudge.DISCARD]

    def to_move(self, numbers: Iterable[int], *, pinned: bool) -> list[int]:
        """Tell which images are not yet where they should be. Raises ImagesNotThere, ImagesGone."""
        chosen = self._chosen(numbers)
        if any(result.key is None for result in chosen):
            raise ImagesGone
        return [result.n for result in chosen if result.pinned != pinned]

    def moved(
        self, move: Move, copies: Mapping[int, Keys | None], now: datetime, rules: Rules
    ) -> list[Follow]:
        """Show images where they are now; one that had no object to copy (None) is gone.

        `now` is when copying began, so that no copy expires later than the bucket's own rule would delete it.
        """
        before = self.results
        for result in before:
            if result.n in copies:
                self._arrive(result, copies[result.n], move, now + rules.retention)
        if self.results == before:
            return [document(self), Nudge.DISCARD]
        self._reckon(rules)
        event = "images_pinned" if move.pinned else "images_unpinned"
        return [*self._tell(now, event, _listed(copies)), Nudge.DISCARD]

    def soon_gone(self, now: datetime) -> list[Follow]:
        """Tell the team, once, which images expire next."""
        if self.warn_at is None or now < self.warn_at or self.state is not State.COMPLETED:
            return self._late("soon_gone")
        self.warn_at = None
        if self.expires_at is None or now >= self.expires_at:
            return []
        numbers = tuple(r.n for r in self.results if r.key and self._until(r) == self.expires_at)
        return [ImagesExpiring(team_id=self.team_id, job_id=self.id, n=numbers, expires_at=self.expires_at)]

    def expired(self, now: datetime, rules: Rules) -> list[Follow]:
        """Give up the images whose time is over; with the last of them the job has expired."""
        if self.state is not State.COMPLETED or self.expires_at is None or now < self.expires_at:
            return self._late("expired")
        due = {r.n for r in self.results if r.key and (until := self._until(r)) and until <= now}
        self._drop(due)
        if any(result.key for result in self.results):
            self._reckon(rules)
            return [*self._tell(now, "images_expired", _listed(due)), Nudge.DISCARD]
        self.state = State.EXPIRED
        self.reason = "the images were kept as long as promised; the recipe can be used again"
        return [*self._say(now, "expired"), Nudge.DISCARD]

    def _tell(self, now: datetime, event: str, detail: str) -> list[Follow]:
        return self._say(now, event if len(self.timeline) < MOST_MOMENTS else "", detail)

    def _arrive(self, result: Result, copy: Keys | None, move: Move, until: datetime) -> None:
        if copy is None:
            self._drop({result.n})
        elif result.key is None or result.pinned == move.pinned:  # deleted, or moved by another, meanwhile
            self.unwanted += [key for key in copy if key]
        else:
            self.unwanted += _keys(result)
            pinned, expires_at = move.pinned, None if move.pinned else until
            self._replace(result.n, key=copy[0], thumbnail_key=copy[1], pinned=pinned, expires_at=expires_at)

    def _keep_until(self, until: datetime, rules: Rules) -> None:
        for result in self.results:
            if result.key:
                self._replace(result.n, expires_at=until)
        self._expires(until, rules)

    def _chosen(self, numbers: Iterable[int]) -> list[Result]:
        ended = self.state in (State.COMPLETED, State.EXPIRED)
        delivered = {result.n: result for result in self.results if not result.withheld}
        wanted = set(numbers)
        if self.operation is not Operation.GENERATE_IMAGES or not ended or not wanted <= delivered.keys():
            raise ImagesNotThere
        return [delivered[n] for n in sorted(wanted)]

    def _drop(self, numbers: Iterable[int]) -> None:
        chosen = set(numbers)
        self.unwanted += [key for r in self.results if r.n in chosen for key in _keys(r)]
        for n in chosen:
            self._replace(n, key=None, thumbnail_key=None, deleted=True, pinned=False)

    def _replace(self, n: int, **changes: object) -> None:
        self.results = tuple(
            result.model_copy(update=changes) if result.n == n else result for result in self.results
        )

    def _until(self, result: Result) -> datetime | None:
        return None if result.pinned else result.expires_at or self.expires_at

    def _reckon(self, rules: Rules) -> None:
        """Find when the next image expires, and when to warn of it.

        A job without any image left keeps its time: it expires with it.
        """
        live = [result for result in self.results if result.key]
        if not live:
            self.warn_at = None
            return
        soonest = min((until for result in live if (until := self._until(result))), default=None)
        if soonest != self.expires_at:
            self._expires(soonest, rules)

    def _expires(self, at: datetime | None, rules: Rules) -> None:
        self.expires_at = at
        self.warn_at = at - rules.expiry_notice if at else None


def _keys(result: Result) -> list[str]:
    return [key for key in (result.key, result.thumbnail_key) if key]


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(n) for n in sorted(numbers))
