"""What schedulers know together, in Redis: a hash of states, and one of the entries made at run time.

Used by schedulers through ``RedisBroker.ticks``. On a single server a claim touches the schedule and the
lists of the messages, in one script. In a cluster no script reaches both; the schedule has one slot.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from sedano.brokers.redis import scripts
from sedano.brokers.redis.publishing import listed
from sedano.brokers.ticks import EntryState, Tick, Unpublished
from sedano.redis.key_names import KeyNames
from sedano.redis.links import Link

_NEVER: Final = "-"


class RedisTicks:
    """A ``TickStore``."""

    def __init__(self, link: Link, names: KeyNames) -> None:
        self.publishes = link.is_one_server
        self._link = link
        self._names = names

    def states(self, entries: Collection[str], *, now: float) -> Mapping[str, EntryState]:
        if not entries:
            return {}
        states = self._names.schedule_states
        new = _written(EntryState(now))
        found = self._link.call("HMGET", states, *entries)
        missing = [entry for entry, state in zip(entries, found, strict=True) if state is None]
        if missing:
            self._link.pipeline([("HSETNX", states, entry, new) for entry in missing])
            found = self._link.call("HMGET", states, *entries)
        return {
            entry: _read(state if state is not None else new.encode())
            for entry, state in zip(entries, found, strict=True)
        }

    def claim(self, ticks: Sequence[Tick], *, now: float, keep: bool = False) -> list[bool]:
        if not ticks:
            return []
        states = self._names.schedule_states
        keys: list[str] = [states]
        arguments: list[str | bytes] = [repr(now)]
        queues: set[str] = set()
        for tick in ticks:
            publication = tick.publication
            arguments += [tick.entry, repr(tick.since), repr(tick.due)]
            if publication is None:
                keys.append(states)
                arguments.append("")
                continue
            if keep:
                keys.append(self._names.schedule_unpublished)
                arguments.append(_packed(Unpublished(publication, now)))
                continue
            keys.append(self._names.lane(publication.queue, publication.priority))
            arguments.append(listed(publication, now))
            queues.add(publication.queue)
        claimed = self._link.run(scripts.CLAIM_TICKS, keys, arguments)
        if queues:
            self._link.call("SADD", self._names.queues, *queues)
        return [bool(one) for one in claimed]

    def unpublished(self, *, limit: int) -> Sequence[Unpublished]:
        # The oldest are on the right.
        found = self._link.call("LRANGE", self._names.schedule_unpublished, -limit, -1)
        return [_unpacked(one) for one in reversed(found)]

    def take_over(self, kept: Sequence[Unpublished], *, now: float) -> list[Unpublished]:
        if not kept:
            return []
        mine = [replace(one, since=now) for one in kept]
        arguments = [_packed(one) for pair in zip(kept, mine, strict=True) for one in pair]
        taken = self._link.run(scripts.TAKE_OVER, [self._names.schedule_unpublished], arguments)
        return [one for one, is_mine in zip(mine, taken, strict=True) if is_mine]

    def published(self, kept: Sequence[Unpublished]) -> None:
        if kept:
            key = self._names.schedule_unpublished
            self._link.pipeline([("LREM", key, -1, _packed(one)) for one in kept])

    def restart(self, entry: str, *, since: float, now: float) -> bool:
        return self._change(
            entry, lambda state: replace(state, since=now) if state.since == since else None, tell=False
        )

    def pause(self, entry: str, *, now: float) -> bool:
        return self._change(entry, lambda state: replace(state, paused=True))

    def resume(self, entry: str, *, now: float) -> bool:
        return self._change(
            entry, lambda state: replace(state, paused=False, since=now) if state.paused else state
        )

    def _change(
        self, entry: str, step: Callable[[EntryState], EntryState | None], *, tell: bool = True
    ) -> bool:
        keys = [self._names.schedule_states, self._names.schedule_changes]
        while (written := self._link.call("HGET", keys[0], entry)) is not None:
            state = step(_read(written))
            if state is None:
                return False
            if self._link.run(scripts.CHANGE_TICK, keys, (entry, written, _written(state), int(tell))):
                return True
        return False

    def write(self, entry: str, document: bytes, *, now: float) -> None:
        self._link.transaction(
            [
                ("HSET", self._names.schedule_entries, entry, document),
                ("HSETNX", self._names.schedule_states, entry, _written(EntryState(now))),
                ("INCR", self._names.schedule_changes),
            ]
        )

    def remove(self, entry: str) -> bool:
        removed: list[int] = self._link.transaction(
            [
                ("HDEL", self._names.schedule_entries, entry),
                ("HDEL", self._names.schedule_states, entry),
                ("INCR", self._names.schedule_changes),
            ]
        )
        return any(removed[:2])

    def documents(self) -> Mapping[str, bytes]:
        found = self._link.call("HGETALL", self._names.schedule_entries)
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        return {entry.decode(): document for entry, document in pairs}

    def changes(self) -> int:
        return int(self._link.call("GET", self._names.schedule_changes) or 0)


def _written(state: EntryState) -> str:
    last = _NEVER if state.last_run_at is None else repr(state.last_run_at)
    return f"{state.since!r} {last} {state.runs} {int(state.paused)}"


def _read(written: bytes) -> EntryState:
    since, last, runs, paused = written.decode().split(" ")
    return EntryState(float(since), None if last == _NEVER else float(last), int(runs), paused == "1")


_packed: Final = msgspec.msgpack.Encoder().encode
_unpacked: Final = msgspec.msgpack.Decoder(Unpublished).decode
