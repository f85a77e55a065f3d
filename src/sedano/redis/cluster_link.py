"""The way of commands to a Redis Cluster: each to the server that has its key's slot, wherever that moves.

The counterpart of ``RedisLink``, with the same methods. A command's key is its second word, and its other
keys are of the same slot. Never repeats what a server may have carried out: MOVED, ASK and TRYAGAIN say that
it has not (redis.io/docs, "Redis cluster specification").
"""

import contextlib
import random
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias

from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    RedisError,
    TryAgainError,
)

from sedano.redis.link import MOST_CONNECTIONS, Command, RedisLink, ScriptRun, read_answer, send
from sedano.redis.redis_diagnosis import Diagnosis, diagnose
from sedano.redis.redis_url import RedisLocation
from sedano.redis.script import Script

Address: TypeAlias = tuple[str, int]

#: Between tries, while a slot is on its way from one server to another. Seconds.
_WHILE_MOVING: Final = 0.01


class _Part(NamedTuple):
    """Commands of one slot that are sent together."""

    slot: int
    commands: Sequence[Command]


class _Slots(NamedTuple):
    """Which server has which slots: ranges, sorted."""

    firsts: Sequence[int] = ()
    lasts: Sequence[int] = ()
    masters: Sequence[Address] = ()
    #: Masters and replicas.
    everybody: frozenset[Address] = frozenset()


class ClusterLink:
    """Some connections to each server of a cluster.

    Args:
        location: Any of the servers, or several of them.
        timeout: Seconds any call may take in all, redirections and all.
        translate: Makes this adapter's error of a diagnosis. Only those come out.
        most_connections: To each server.
        scripts: Given to each server on every new connection.
    """

    is_one_server = False

    def __init__(
        self,
        location: RedisLocation,
        *,
        timeout: float,
        translate: Callable[[Diagnosis], Exception],
        most_connections: int = MOST_CONNECTIONS,
        scripts: Sequence[Script] = (),
    ) -> None:
        self.location = location
        self.timeout = timeout
        self._translate = translate
        self._most = most_connections
        self._scripts = scripts
        # Written by any thread: at worst two learn the same at once.
        self._links: dict[Address, RedisLink] = {}
        self._slots: _Slots | None = None
        #: All servers that there were when we looked last, masters and replicas.
        self._everybody: frozenset[Address] = frozenset()
        #: Who said last that a slot is elsewhere now, or named its new place: to be asked first.
        self._informed: Address | None = None

    # -- commands

    def call(self, *command: Any) -> Any:
        """Run one command."""
        return self._exchange([_Part(slot_of(command[1]), (command,))])[0][0]

    def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands in one round trip to each server. The first error is raised when all have run."""
        return [answer for (answer,) in self._exchange([_Part(slot_of(one[1]), (one,)) for one in commands])]

    def transaction(self, commands: Sequence[Command]) -> list[Any]:
        """Run the commands of each slot in one step: all of a slot, or none. All slots, or an error."""
        by_slot: dict[int, list[int]] = defaultdict(list)
        for number, command in enumerate(commands):
            by_slot[slot_of(command[1])].append(number)
        parts = [
            _Part(slot, [("MULTI",), *(commands[number] for number in numbers), ("EXEC",)])
            for slot, numbers in by_slot.items()
        ]
        answers: dict[int, Any] = {}
        for numbers, part in zip(by_slot.values(), self._exchange(parts), strict=True):
            answers.update(zip(numbers, part[-1], strict=True))
        return self._without_errors([answers[number] for number in range(len(commands))])

    def run(self, script: Script, keys: Sequence[Any], arguments: Sequence[Any] = ()) -> Any:
        """Run a script; the server is given its source if it does not know it."""
        return self.run_many([ScriptRun(script, keys, arguments)])[0]

    def run_many(self, runs: Sequence[ScriptRun]) -> list[Any]:
        """Run scripts in one round trip to each server; on each in their order."""
        parts = [_part_of(run, "EVALSHA", run.script.sha) for run in runs]
        answers = [answer for (answer,) in self._answers(parts)]
        for number, run in enumerate(runs):
            if isinstance(answers[number], NoScriptError):
                ((answers[number],),) = self._answers([_part_of(run, "EVAL", run.script.source)])
        return self._without_errors(answers)

    # -- servers

    def servers(self) -> Sequence[RedisLink]:
        """A link to each server that has keys."""
        with self.translated_errors():
            masters = self._known_slots(time.monotonic() + self.timeout).masters
        return [self._link_to(address) for address in dict.fromkeys(masters)]

    def at(self, key: Any) -> RedisLink:
        """A link to the server that has this key, for now."""
        with self.translated_errors():
            return self._link_to(self._owner(slot_of(key), time.monotonic() + self.timeout))

    def look_again(self) -> None:
        """Some slot is not where it was: ask the servers before the next command."""
        self._slots = None

    @contextlib.contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Turn redis-py's errors into this adapter's."""
        try:
            yield
        except (RedisError, OSError) as error:
            raise self._translate(diagnose(error)) from error

    def close(self) -> None:
        """Close what is idle. Idempotent; used again, the link connects again."""
        links, self._links = self._links, {}
        for link in links.values():
            link.close()

    # -- sending

    def _exchange(self, parts: Sequence[_Part]) -> list[list[Any]]:
        answers = self._answers(parts)
        for part in answers:
            self._without_errors(part)
        return answers

    def _without_errors(self, answers: list[Any]) -> list[Any]:
        for answer in answers:
            if isinstance(answer, Exception):
                with self.translated_errors():
                    if isinstance(answer, MovedError):  # again and again, until the deadline
                        raise ClusterDownError(f"the servers do not agree where slot {answer.slot_id} is")
                    raise answer
        return answers

    def _answers(self, parts: Sequence[_Part]) -> list[list[Any]]:
        """The answers to each part, when servers no longer send us elsewhere."""
        deadline = time.monotonic() + self.timeout
        answers: list[list[Any]] = [[] for _ in parts]
        #: The parts to be sent, and who is to be asked instead of the slot's owner.
        left: Mapping[int, Address | None] = dict.fromkeys(range(len(parts)))
        tries = 0
        with self.translated_errors():
            while left and (not tries or time.monotonic() < deadline):
                time.sleep(_WHILE_MOVING if tries > 1 else 0)
                tries += 1
                try:
                    self._send(parts, left, answers, deadline)
                except BaseException:
                    # Perhaps another has taken its place; the next call finds out.
                    self.look_again()
                    raise
                left = self._redirected(left, answers)
        return answers

    def _send(
        self,
        parts: Sequence[_Part],
        left: Mapping[int, Address | None],
        answers: list[list[Any]],
        deadline: float,
    ) -> None:
        by_address: dict[Address, list[int]] = defaultdict(list)
        for number, instead in left.items():
            by_address[instead or self._owner(parts[number].slot, deadline)].append(number)
        with contextlib.ExitStack() as stack:
            # In a fixed order: threads that wait for connections to several servers do not block each other.
            connections = {
                address: stack.enter_context(self._link_to(address).connection(deadline))
                for address in sorted(by_address)
            }
            for address, connection in connections.items():
                commands: list[Command] = []
                for number in by_address[address]:
                    commands += [("ASKING",)] if left[number] else []
                    commands += parts[number].commands
                send(connection, commands)
            for address, connection in connections.items():
                for number in by_address[address]:
                    if left[number]:
                        read_answer(connection)
                    answers[number] = [read_answer(connection) for _ in parts[number].commands]

    def _redirected(
        self, sent: Mapping[int, Address | None], answers: Sequence[list[Any]]
    ) -> dict[int, Address | None]:
        """Which of the parts are to be sent again, and to whom."""
        again: dict[int, Address | None] = {}
        for number in sent:
            error = next((one for one in answers[number] if isinstance(one, AskError | TryAgainError)), None)
            match error:
                case None:
                    continue
                case MovedError():
                    self.look_again()
                    self._informed = error.host or self.location.host, error.port
                    again[number] = None
                case AskError():
                    again[number] = error.host or self.location.host, error.port
                case _:
                    again[number] = None
        return again

    # -- slots

    def _owner(self, slot: int, deadline: float) -> Address:
        slots = self._known_slots(deadline)
        place = bisect_right(slots.firsts, slot) - 1
        if place < 0 or slot > slots.lasts[place]:
            self.look_again()
            raise ClusterDownError(f"no server has slot {slot}")
        return slots.masters[place]

    def _known_slots(self, deadline: float) -> _Slots:
        slots = self._slots
        if slots is None:
            slots = self._slots = self._ask_for_slots(deadline)
            self._everybody = slots.everybody
            for gone in self._links.keys() - slots.everybody:
                if link := self._links.pop(gone, None):
                    link.close()
        return slots

    def _ask_for_slots(self, deadline: float) -> _Slots:
        known = list(self._everybody)
        random.shuffle(known)
        first = [] if self._informed is None else [self._informed]
        named = [(self.location.host, self.location.port), *self.location.more_hosts]
        candidates = list(dict.fromkeys([*first, *known, *named]))
        self._informed = None
        failure: Exception = ClusterDownError("no server is known")
        for number, address in enumerate(candidates):
            now = time.monotonic()
            # A frozen server must not use up the time of the others.
            until = now + (deadline - now) / (len(candidates) - number + 1)
            try:
                with self._link_to(address).connection(until) as connection:
                    connection.send_command("CLUSTER", "SLOTS")
                    return _read_slots(connection.read_response(), address)
            except Exception as error:
                failure = error
        raise failure

    def _link_to(self, address: Address) -> RedisLink:
        link = self._links.get(address)
        if link is None:
            host, port = address
            link = RedisLink(
                replace(self.location, host=host, port=port, cluster=False, more_hosts=()),
                timeout=self.timeout,
                translate=self._translate,
                most_connections=self._most,
                scripts=self._scripts,
            )
            link = self._links.setdefault(address, link)
        return link


def slot_of(key: str | bytes) -> int:
    """The slot of a key.

    >>> slot_of("celery") == slot_of("sedano:{celery}:due")
    True
    """
    return key_slot(key.encode() if isinstance(key, str) else key)


def _part_of(run: ScriptRun, *how: Any) -> _Part:
    return _Part(slot_of(run.keys[0]), ((*how, len(run.keys), *run.keys, *run.arguments),))


def _read_slots(answer: Sequence[Any], asked: Address) -> _Slots:
    """From ``CLUSTER SLOTS``. A server that does not say where it is, is where we asked."""
    ranges = sorted((first, last, servers) for first, last, *servers in answer)
    places = [[(_host(server[0]) or asked[0], int(server[1])) for server in one[2]] for one in ranges]
    return _Slots(
        [first for first, _, _ in ranges],
        [last for _, last, _ in ranges],
        [servers[0] for servers in places],
        frozenset(server for servers in places for server in servers),
    )


def _host(name: bytes | None) -> str:
    return "" if name in (None, b"?") else name.decode()
