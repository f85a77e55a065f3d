"""What schedulers know together, in this process's memory.

Used by schedulers through ``MemoryBroker.ticks``.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec.structs import replace

from sedano.brokers.memory.storage import Storage
from sedano.brokers.ticks import EntryState, Tick, Unpublished


class MemoryTicks:
    """A ``TickStore``."""

    publishes = True

    def __init__(self, storage: Storage) -> None:
        self._storage = storage  # its ``changed`` guards all that is here, too
        self._states: dict[str, EntryState] = {}
        self._documents: dict[str, bytes] = {}
        self._unpublished: list[Unpublished] = []
        self._changes = 0

    def states(self, entries: Collection[str], *, now: float) -> Mapping[str, EntryState]:
        with self._storage.changed:
            return {entry: self._states.setdefault(entry, EntryState(now)) for entry in entries}

    def claim(self, ticks: Sequence[Tick], *, now: float, keep: bool = False) -> list[bool]:
        with self._storage.changed:
            claimed = [self._claim(tick, now, keep) for tick in ticks]
            self._storage.changed.notify_all()
        return claimed

    def _claim(self, tick: Tick, now: float, keep: bool) -> bool:
        state = self._states.get(tick.entry)
        if state is None or state.paused or state.since != tick.since:
            return False
        if tick.publication is None:
            self._states[tick.entry] = replace(state, since=tick.due)
            return True
        if keep:
            self._unpublished.append(Unpublished(tick.publication, now))
        else:
            self._storage.publish(tick.publication, now)
        self._states[tick.entry] = replace(state, since=tick.due, last_run_at=now, runs=state.runs + 1)
        return True

    def unpublished(self, *, limit: int) -> Sequence[Unpublished]:
        with self._storage.changed:
            return self._unpublished[:limit]

    def take_over(self, kept: Sequence[Unpublished], *, now: float) -> list[Unpublished]:
        with self._storage.changed:
            mine = [one for one in kept if one in self._unpublished]
            for one in mine:
                self._unpublished.remove(one)
            taken = [replace(one, since=now) for one in mine]
            self._unpublished += taken
        return taken

    def published(self, kept: Sequence[Unpublished]) -> None:
        with self._storage.changed:
            self._unpublished = [one for one in self._unpublished if one not in kept]

    def restart(self, entry: str, *, since: float, now: float) -> bool:
        def begin_anew(state: EntryState) -> EntryState:
            return replace(state, since=now) if state.since == since else state

        return self._change(entry, begin_anew, tell=False)

    def pause(self, entry: str, *, now: float) -> bool:
        return self._change(entry, lambda state: replace(state, paused=True))

    def resume(self, entry: str, *, now: float) -> bool:
        return self._change(
            entry, lambda state: replace(state, paused=False, since=now) if state.paused else state
        )

    def _change(self, entry: str, step: Callable[[EntryState], EntryState], *, tell: bool = True) -> bool:
        with self._storage.changed:
            before = self._states.get(entry)
            if before is None:
                return False
            self._states[entry] = after = step(before)
            if not tell:
                return after is not before
            self._changes += 1
            return True

    def write(self, entry: str, document: bytes, *, now: float) -> None:
        with self._storage.changed:
            self._documents[entry] = document
            self._states.setdefault(entry, EntryState(now))
            self._changes += 1

    def remove(self, entry: str) -> bool:
        with self._storage.changed:
            self._changes += 1
            known = self._documents.pop(entry, None), self._states.pop(entry, None)
            return known != (None, None)

    def documents(self) -> Mapping[str, bytes]:
        with self._storage.changed:
            return dict(self._documents)

    def changes(self) -> int:
        with self._storage.changed:
            return self._changes
