"""The process of a worker that imports the application: ``python -m sedano.cli.zygote <descriptor> <pid>``.

Started by ``worker.zygote_link``, which hands it one end of a socket pair and its own process id. Reads the
options from the socket, imports the application, then forks children on request (``worker.zygote``).
"""

import contextlib
import socket
import sys
import traceback

import msgspec

from sedano.cli.planning import load_application, make_plan, set_up
from sedano.worker import zygote_words as words
from sedano.worker.channel import Channel
from sedano.worker.options import NodeOptions
from sedano.worker.process import die_with_parent, heed_no_stop_signals
from sedano.worker.zygote import Zygote


def main(arguments: list[str]) -> None:
    """Import the application as the options say, then serve the parent."""
    descriptor, parent = int(arguments[0]), int(arguments[1])
    channel = Channel(socket.socket(fileno=descriptor))
    heed_no_stop_signals()
    die_with_parent(parent)
    raw = channel.receive()
    if raw is None:
        return
    options = msgspec.json.decode(raw, type=NodeOptions)
    for stream in (sys.stdout, sys.stderr):
        # A killed child loses what it has buffered: lose at most a line.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True)
    try:
        app = load_application(options)
        if make_plan(app, options).pool != "solo":
            set_up(app, options)
        # Else the parent does it: there, everything is in one process.
        plan = make_plan(app, options)
        # Opened, not connected: their drivers are imported once, and not by each child in its first task.
        _ = app.broker, app.results
    except BaseException as error:
        channel.send(words.encode(words.Broken(type(error).__name__, str(error), traceback.format_exc())))
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        Zygote(channel, app, plan, app.scheduler).run()


if __name__ == "__main__":
    main(sys.argv[1:])
