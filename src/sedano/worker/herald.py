"""The process in which a worker's own signals reach their receivers: ``worker_ready`` and the like.

Forked from the zygote, and only if there are such receivers: the node's parent has none of the user's code.
Lives as long as the node, so that a thread which a receiver starts (a server for metrics, say) does, too.
"""

from sedano.tasks.worker_view import WorkerView
from sedano.worker import worker_signals
from sedano.worker.channel import Channel
from sedano.worker.herald_words import decode


class Herald:
    """Sends what the parent says, one after another, and says when each has been heard."""

    def __init__(self, worker: WorkerView, channel: Channel) -> None:
        self._worker = worker
        self._channel = channel

    def run(self) -> None:
        """Serve until the parent hangs up."""
        try:
            while (message := self._channel.receive()) is not None:
                worker_signals.send(decode(message), self._worker)
                self._channel.send(b"")
        except (BrokenPipeError, ConnectionResetError):
            pass
