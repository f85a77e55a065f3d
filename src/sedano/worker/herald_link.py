"""The parent's side of a herald: what it has been told, and what of that its receivers have heard."""

import socket
from collections import deque
from typing import Final

from sedano.worker.channel import BufferedChannel
from sedano.worker.herald_words import SIGNAL_OF, HeartbeatSent, TaskRejected, TaskUnknown, Word, encode

#: Messages that wait for slow receivers; more than that are not told.
LARGEST_QUEUE: Final = 1000


class HeraldLink:
    """One herald, alive or about to be forked."""

    def __init__(self, number: int, awaited: frozenset[str]) -> None:
        self.number = number
        ours, self._theirs = socket.socketpair()
        self.channel = BufferedChannel(ours)
        #: The names of the signals that have receivers there.
        self.awaited = awaited
        #: None until the zygote has forked it.
        self.pid: int | None = None
        self.told_ready = False
        #: How many words were left out.
        self.left_out = 0
        self._unheard: deque[type[Word]] = deque()

    def descriptor_for_herald(self) -> int:
        return self._theirs.fileno()

    def forget_heralds_end(self) -> None:
        """The herald has it."""
        self._theirs.close()

    def tell(self, word: Word) -> None:
        """Have the receivers told, if there are any, and if they can keep up."""
        kind = type(word)
        if SIGNAL_OF[kind] not in self.awaited or self.channel.closed:
            return
        if kind is HeartbeatSent and kind in self._unheard:
            return
        if kind in (TaskUnknown, TaskRejected) and self._is_behind:
            self.left_out += 1
            return
        self._unheard.append(kind)
        self.channel.send(encode(word))

    @property
    def _is_behind(self) -> bool:
        return self.channel.has_outgoing or len(self._unheard) >= LARGEST_QUEUE

    def hear(self) -> None:
        """Take the herald's answers."""
        for _ in self.channel.receive():
            self._unheard.popleft()

    @property
    def busy_with(self) -> str | None:
        """The signal whose receivers are at work; None when all has been heard."""
        return SIGNAL_OF[self._unheard[0]] if self._unheard else None

    def close(self) -> None:
        """Hang up: the herald ends."""
        self._theirs.close()
        self.channel.close()
