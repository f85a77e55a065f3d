"""Results as messages: each goes to the queue of the process that asked, and nobody else can read it.

Opened by ``results.opening`` for ``rpc://``, at the broker's server. Understands Celery's, and is understood.
Keeps nothing but what has come to this process: the state of others' tasks is PENDING.
"""

import atexit
import os
import threading
import weakref
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sedano import ids
from sedano.amqp.amqp_url import AmqpLocation
from sedano.amqp.link import AmqpLink
from sedano.clock import Clock
from sedano.errors import ConfigurationError
from sedano.queues.exchange_brokers import REPLIES
from sedano.results.group_store import GroupStore
from sedano.results.lookout import Bell
from sedano.results.replies import Replies
from sedano.results.result_write import ResultWrite
from sedano.results.rpc.hearing import Hearing, hearing_at
from sedano.results.rpc.inbox import Inbox
from sedano.results.rpc.listener import Listener
from sedano.results.rpc.no_groups import NoGroups
from sedano.results.rpc.sender import Sender
from sedano.results.store import JointResults
from sedano.settings.wiring import Wiring

if TYPE_CHECKING:
    from sedano.results.async_results import AsyncResults

#: Seconds that the queue outlives the process's connection: for a server that is away, and not much longer,
#: as processes that were killed leave theirs behind.
_IDLE: Final = 600.0


class RpcResultStore:
    """A ``ResultStore``, with ``Replies``.

    Args:
        location: The server.
        wiring: How to connect, and how results are written and kept.
        timeout: Seconds that any call may take.
    """

    name = "rpc"
    push = True

    def __init__(self, location: AmqpLocation, *, wiring: Wiring, timeout: float) -> None:
        self.location = REPLIES + location.identity
        self.groups: GroupStore = NoGroups()
        self._server = location
        self._wiring = wiring
        self._timeout = timeout
        self._sender = Sender(
            location,
            timeout=timeout,
            serializer=wiring.result_serializer,
            persistent=wiring.persistent_results,
        )
        self._async_results: AsyncResults | None = None
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._found: Hearing | None = None
        #: Each thread's moment of its last look, which a wait goes on from.
        self._seen = threading.local()

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        options: Mapping[str, Any],
        timeout: timedelta,
        clock: Clock,
        base_dir: Path,
        wiring: Wiring,
    ) -> "RpcResultStore":
        """As ``results.opening`` calls it."""
        if options:
            raise ConfigurationError(
                f"result_backend_transport_options: rpc:// has no options; it got {', '.join(options)}."
            )
        location = AmqpLocation.from_url(
            url.removeprefix(REPLIES),
            use_ssl=wiring.use_ssl,
            login_method=wiring.login_method,
            spread=wiring.failover_strategy == "shuffle",
            setting="result_backend",
        )
        return cls(location, wiring=wiring, timeout=timeout.total_seconds())

    # -- sending

    def put(self, writes: Sequence[ResultWrite]) -> None:
        """Send each to whoever asked. What nobody asked for, only this process can read, if it listens."""
        own, hearing = self.address, self._hearing
        sent = []
        for write in writes:
            if write.reply_to and write.reply_to != own:
                sent.append(write)
            elif write.reply_to or hearing.is_wanted:
                hearing.inbox.put(write.correlation_id or write.task_id, write.document)
        if sent:
            self._sender.send(sent)

    # -- hearing

    @property
    def replies(self) -> Replies:
        """As the optional capability says."""
        return self

    @property
    def address(self) -> str:
        """As ``Replies`` says."""
        return ids.reply_address()

    @property
    def is_listening(self) -> bool:
        """As ``Replies`` says."""
        return self._hearing.serves(self)

    def listen(self) -> None:
        """As ``Replies`` says."""
        self._hearing.listen(self, self._new_listener, timeout=self._timeout)

    def get(self, task_id: str) -> bytes | None:
        return self.get_many([task_id]).get(task_id)

    def get_many(self, task_ids: Collection[str]) -> Mapping[str, bytes]:
        inbox = self._hearing.inbox
        self._seen.moment = inbox.moment
        return inbox.get_many(task_ids)

    def wait(self, task_ids: Collection[str], timeout: float | None) -> None:
        inbox = self._hearing.inbox
        since = getattr(self._seen, "moment", -1)
        inbox.wait(task_ids, since=since, timeout=timeout)

    def forget(self, task_id: str) -> None:
        self._hearing.inbox.forget(task_id)

    def prune(self, *, limit: int = 1000) -> int:
        """There is nothing to do: what has come is forgotten when its time is up."""
        return 0

    def joint_with(self, broker_location: str) -> JointResults | None:
        """A broker's step has no part in it: a reply is a message of its own."""
        return None

    # -- for coroutines

    @property
    def async_results(self) -> "AsyncResults":
        """The way of coroutines: in threads, and woken by what comes."""
        if self._async_results is None:
            # Imported here: only those need it who ask from coroutines.
            from sedano.loops.threads import in_thread
            from sedano.results.async_results import SyncResults

            self._async_results = SyncResults(lambda: self, in_thread, changes=self)
        return self._async_results

    @property
    def connected(self) -> bool:
        """As ``ResultChanges`` says."""
        return self._hearing.connected

    def follow(self, bells: Collection[Bell]) -> None:
        """As ``ResultChanges`` says."""
        self._hearing.inbox.follow(bells)

    def leave(self, bells: Collection[Bell]) -> None:
        """As ``ResultChanges`` says."""
        self._hearing.inbox.leave(bells)

    def close(self) -> None:
        """Close the connections, and give up the queue, unless another store listens there. Idempotent."""
        self._hearing.leave(self)
        self._sender.close()

    # -- within

    @property
    def _hearing(self) -> Hearing:
        if self._pid != os.getpid():  # a fork: the parent keeps its thread, its queue and what has come there
            self._begin()
        if self._found is None:
            keep_for = self._wiring.result_expires
            self._found = hearing_at(self._server.identity, self.address, keep_for=keep_for)
        return self._found

    def _new_listener(self, inbox: Inbox) -> Listener:
        link = AmqpLink(
            self._server,
            timeout=self._timeout,
            heartbeat=self._wiring.heartbeat or 0.0,
            name="sedano replies",
            wakeable=True,
        )
        idle = min(self._wiring.result_expires or _IDLE, _IDLE)
        listener = Listener(link, self.address, inbox, expires=idle)
        atexit.register(_close, weakref.ref(listener), os.getpid())
        return listener


def _close(reference: "weakref.ref[Listener]", pid: int) -> None:
    """Leave no queue behind when the process ends."""
    listener = reference()
    if listener is not None and pid == os.getpid():
        listener.close()
