"""From a call to messages in the broker.

Called by ``Task.apply_async``, ``Sedano.send_task`` and ``Task.retry``. Lays the call's options over the
task's, the routes' and the settings', encodes, and publishes. Never keeps a message.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sedano import ids, signals
from sedano.brokers.publication import Publication
from sedano.errors import BrokerUnavailable, NotSupported
from sedano.message.celery_v2 import encode
from sedano.message.task_message import TaskMessage
from sedano.queues.exchange_brokers import has_exchanges
from sedano.results.replies import Replies, replies_of, sends_replies
from sedano.settings.sections import Settings
from sedano.tasks import publish_signals
from sedano.tasks.addresses import Addresses, refuse_exchanges
from sedano.tasks.options import NO_OPTIONS, TaskOptions
from sedano.tasks.publish_retry import PublishRetry
from sedano.tasks.request import worker_request
from sedano.tasks.routing import Router
from sedano.tasks.times import set_eta, set_expires

if TYPE_CHECKING:
    from sedano.tasks.application import Application
    from sedano.tasks.task import Task


class Publisher:
    """Publishes an application's calls. Thread-safe."""

    def __init__(self, application: "Application", *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._application = application
        self._sleep = sleep
        self._settings: Settings | None = None
        self._router = Router(None)
        #: None where the broker has no exchanges.
        self._addresses: Addresses | None = None
        #: Decides when to send what has been prepared: it is handed the sending as a function. None sends at
        #: once. Django's integration puts ``transaction.on_commit`` here.
        self.gate: Callable[[Callable[[], None]], None] | None = None
        #: Where results are sent to whoever asked: this process's end of it.
        self.replies: Replies | None = None
        #: Whether ``collect`` was ever used: most programs need not look whether it is now.
        self._collects = False

    def prepare(
        self,
        task_name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: TaskOptions = NO_OPTIONS,
        *,
        task: "Task[..., Any] | None" = None,
    ) -> Publication:
        """A call as a publication, encoded and addressed; its id is fixed.

        Args:
            task_name: The registered name.
            args: Positional arguments.
            kwargs: Keyword arguments.
            options: What the call says; it goes over what ``task``, the routes and the settings say.
            task: The task itself, where this process knows it.

        Raises:
            NotSerializable: an argument cannot be written.
            MessageTooLarge: the message is larger than ``task_max_message_size``.
        """
        settings = self._application.settings
        if settings is not self._settings:
            self._adopt(settings)
        # An empty route, where none matches, lets the next in line speak.
        route_name = options.route_name or task_name
        route = self._router.route(route_name, args, kwargs, options, task)
        defaults = settings.tasks
        task_id = options.task_id or ids.task_id()
        message = TaskMessage(
            id=task_id,
            task=task_name,
            args=args,
            kwargs=kwargs if isinstance(kwargs, dict) else dict(kwargs),
            root_id=options.root_id,
            parent_id=options.parent_id,
            retries=options.retries,
            shadow=options.shadow,
            argsrepr=options.argsrepr,
            kwargsrepr=options.kwargsrepr,
            origin=_origin(),
            ignore_result=options.ignore_result,
            reply_to=options.reply_to,
            time_limit=options.time_limit,
            soft_time_limit=options.soft_time_limit,
            delivery_mode=options.delivery_mode or route.delivery_mode or 0,
        )
        queue, priority, expires = options.queue, options.priority, options.expires
        serializer, compression = options.serializer, options.compression
        if task is not None:
            if queue is None:
                queue = task.queue
            if priority is None:
                priority = task.priority
            if expires is None:
                expires = task.expires
            if serializer is None:
                serializer = task.serializer
            if compression is None:
                compression = task.compression
            if message.ignore_result is None:
                message.ignore_result = task.ignore_result
            if message.time_limit is None:
                message.time_limit = task.time_limit
            if message.soft_time_limit is None:
                message.soft_time_limit = task.soft_time_limit
        if route is not NO_OPTIONS:
            priority = route.priority if priority is None else priority
            expires = route.expires if expires is None else expires
            serializer = serializer or route.serializer
            compression = compression or route.compression
        if self.replies is not None and message.reply_to is None and not message.ignore_result:
            message.reply_to = self.replies.address
        parent = worker_request()
        if parent is not None:
            message.root_id = message.root_id or parent.root_id or parent.id
            message.parent_id = message.parent_id or parent.id
            if priority is None and defaults.inherit_parent_priority and parent.delivery_info:
                priority = parent.delivery_info.get("priority")
        if priority is None:
            priority = defaults.default_priority or 0
        message.priority = priority
        if options is not NO_OPTIONS:
            _add_rare_parts(message, options)
        queue = queue or route.queue
        exchange = routing_key = ""
        if self._addresses is not None:
            queue, exchange, routing_key, delivery_mode = self._addresses.find(queue, options, route)
            message.delivery_mode = message.delivery_mode or delivery_mode or 0
        elif options is not NO_OPTIONS:
            refuse_exchanges(options)
        message.delivery_mode = message.delivery_mode or defaults.default_delivery_mode
        due = set_eta(message, options, self._application.clock)
        if expires is not None:
            set_expires(message, expires, self._application.clock)
        return self.pack(
            message,
            queue=queue or ("" if exchange else defaults.default_queue),
            exchange=exchange,
            routing_key=routing_key,
            due=due,
            serializer=serializer or defaults.serializer,
            compression=compression or defaults.compression,
            task=task,
        )

    def prepare_again(
        self, message: TaskMessage, options: TaskOptions, task: "Task[..., Any]", *, came_from: str | None
    ) -> Publication:
        """The next attempt of a call, whose message is complete but for its times.

        Unless its options say otherwise it goes straight to the queue that this attempt came from.
        """
        settings = self._application.settings
        if settings is not self._settings:
            self._adopt(settings)
        defaults = settings.tasks
        message.delivery_mode = options.delivery_mode or defaults.default_delivery_mode
        queue, exchange, routing_key = options.queue or defaults.default_queue, "", ""
        if self._addresses is None:
            refuse_exchanges(options)
        elif queue != came_from or options.exchange or options.routing_key:
            queue, exchange, routing_key, _ = self._addresses.find(queue, options, NO_OPTIONS)
        due = set_eta(message, options, self._application.clock)
        if options.expires is not None:
            set_expires(message, options.expires, self._application.clock)
        return self.pack(
            message,
            queue=queue,
            exchange=exchange,
            routing_key=routing_key,
            due=due,
            serializer=options.serializer or task.serializer,
            compression=options.compression or task.compression,
            task=task,
        )

    def pack(
        self,
        message: TaskMessage,
        *,
        queue: str,
        exchange: str = "",
        routing_key: str = "",
        due: float | None,
        serializer: str,
        compression: str | None,
        task: "Task[..., Any] | None" = None,
    ) -> Publication:
        """Encode a call that is complete, after those who listen to ``before_task_publish`` have seen it."""
        if signals.before_task_publish.has_listeners(message.task):
            publish_signals.before(message, exchange, routing_key or queue)
        settings = self._application.settings.tasks
        envelope = encode(
            message,
            serializer=serializer,
            compression=compression,
            max_size=settings.max_message_size,
            repr_levels=settings.repr_maxlevels,
            parameters=task.call_signature.positional if task is not None else (),
        )
        unconditional = (
            message.eta is None
            and message.expires is None
            and message.time_limit is None
            and message.soft_time_limit is None
        )
        return Publication(
            message.id,
            message.task,
            queue,
            envelope,
            message.priority,
            due,
            unconditional,
            exchange,
            routing_key,
        )

    def publish(
        self,
        publications: Sequence[Publication],
        options: TaskOptions = NO_OPTIONS,
        *,
        task: "Task[..., Any] | None" = None,
        at_once: bool = False,
    ) -> None:
        """Put prepared calls into the broker: now, or when the gate opens.

        Tries again when the broker is unavailable, as ``task_publish_retry_policy`` (or the call) says, but
        begins no try after ``broker_publish_timeout``.

        Args:
            publications: All of them are published, or none.
            options: What the call says of trying again, and of waiting for a commit.
            task: The task, where this process knows it.
            at_once: Do not ask the gate.

        Raises:
            BrokerUnavailable: the broker could not be reached in time.
        """
        if self._collects and (collected := _collected.get()) is not None and collected[0] is self:
            collected[1](publications, options, task)
            return
        if options.on_commit is False:
            self.check_leaving()
        if self.gate is not None and not at_once and self.may_wait(options, task):
            self.gate(lambda: self.publish(publications, options, at_once=True))
            return
        started = self._application.clock.monotonic()
        try:
            if self.replies is not None:
                self._listen(publications)
            self._application.broker.publish(publications)
        except BrokerUnavailable as error:
            self._try_again(publications, options, error, started)
        if signals.after_task_publish.has_listeners():
            publish_signals.after(publications)

    @contextmanager
    def collect(self) -> Iterator[list[Publication]]:
        """What is published within, in this context, goes into the list and nowhere else."""
        found: list[Publication] = []
        with self.hand_to(lambda publications, options, task: found.extend(publications)):
            yield found

    @contextmanager
    def hand_to(self, take: "Taker") -> Iterator[None]:
        """What is published within, in this context, is handed over, and goes nowhere else."""
        self._collects = True
        token = _collected.set((self, take))
        try:
            yield
        finally:
            _collected.reset(token)

    def check_leaving(self) -> None:
        """Raise NotSupported where a message cannot leave before the transaction that is open here."""
        if self._application.broker.features.transactional_publish:
            raise NotSupported(
                "on_commit=False: the message is a row in the database of this transaction, comes and goes "
                "with it. Publish outside of the transaction, or name another broker_url."
            )

    def when_allowed(
        self,
        send: Callable[[], None],
        options: TaskOptions = NO_OPTIONS,
        *,
        task: "Task[..., Any] | None" = None,
    ) -> None:
        """Call ``send`` now, or when the gate opens; it publishes with ``at_once``."""
        if self.gate is not None and self.may_wait(options, task):
            self.gate(send)
        else:
            send()

    def may_wait(self, options: TaskOptions, task: "Task[..., Any] | None") -> bool:
        """Whether the call, the task or the setting lets the message wait for a commit."""
        if options.on_commit is not None:
            return options.on_commit
        return self._application.settings.tasks.publish_on_commit if task is None else task.publish_on_commit

    def hang_up(self) -> None:
        """The application has closed its connections: what is used again is opened again."""
        self._settings, self.replies = None, None

    def _listen(self, publications: Sequence[Publication]) -> None:
        if self.replies is not None and self.expects_replies(publications):
            self.replies.listen()

    def expects_replies(self, publications: Sequence[Publication]) -> bool:
        """Whether this process has to listen before these are published, and does not yet."""
        replies = self.replies
        if replies is None or replies.is_listening:
            return False
        return any(publication.envelope.reply_to == replies.address for publication in publications)

    def _try_again(
        self,
        publications: Sequence[Publication],
        options: TaskOptions,
        error: BrokerUnavailable,
        started: float,
    ) -> None:
        for pause in self.pauses(options, started):
            self._sleep(pause)
            try:
                self._listen(publications)
                self._application.broker.publish(publications)
            except BrokerUnavailable as again:
                error = again
            else:
                return
        raise error

    def pauses(self, options: TaskOptions, started: float) -> Iterator[float]:
        """How long to wait before each further try; none begins after ``broker_publish_timeout``."""
        settings = self._application.settings
        if not (settings.tasks.publish_retry if options.retry is None else options.retry):
            return
        policy = PublishRetry.from_policy(
            {**settings.tasks.publish_retry_policy, **(options.retry_policy or {})}
        )
        deadline = started + settings.broker.publish_timeout.total_seconds()
        for pause in policy.pauses():
            if self._application.clock.monotonic() + pause >= deadline:
                return
            yield pause

    def _adopt(self, settings: Settings) -> None:
        self._application.finalize()
        exchanges = has_exchanges(settings.broker.url)
        self._router = Router(settings.tasks.routes, exchanges=exchanges)
        self._addresses = Addresses.from_settings(settings) if exchanges else None
        self.replies = replies_of(self._application.results) if sends_replies(settings) else None
        self._settings = settings


#: Takes what would be published.
Taker: TypeAlias = "Callable[[Sequence[Publication], TaskOptions, Task[..., Any] | None], None]"

#: Whose publications are taken here, and by whom.
_collected: Final[ContextVar[tuple[Publisher, Taker] | None]] = ContextVar("sedano_collected", default=None)


def _add_rare_parts(message: TaskMessage, options: TaskOptions) -> None:
    """What few calls have: headers of their own, and a place in a workflow."""
    if options.headers:
        message.headers = dict(options.headers)
    message.callbacks = options.link
    message.errbacks = options.link_error
    message.chain = options.chain
    message.chord = options.chord
    message.group, message.group_index = options.group_id, options.group_index
    message.replaced_task_nesting = options.replaced_task_nesting
    if options.stamps:
        message.stamped_headers, message.stamps = options.stamped_headers, dict(options.stamps)


#: ``ids.origin()`` asks the system for the host's name, so it is asked once in each process.
_origin: Final = cache(ids.origin)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_origin.cache_clear)
