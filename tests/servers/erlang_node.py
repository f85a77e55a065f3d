"""An Erlang node, and what it is asked from outside: what AMQP has no question for.

``RabbitServer`` has one. Who has only its environment (a program that a test starts) can ask as well.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Final, NamedTuple, Self

#: Environment: the node that a program is to ask.
NODE: Final = "ERLANG_NODE"

_TRIES: Final = 5


class ErlangNode(NamedTuple):
    """A node, and what is needed to reach it."""

    name: str
    #: Where its cookie is.
    home: str
    epmd_port: int

    @classmethod
    def of_environment(cls) -> Self:
        """The one that this process was given."""
        return cls(*json.loads(os.environ[NODE]))

    @property
    def environment(self) -> dict[str, str]:
        """What gives it to another process."""
        return {NODE: json.dumps(self)}

    def evaluate(self, erlang: str) -> str:
        """What an Erlang expression gives there, as Erlang writes it. Takes milliseconds."""
        return self.printed(f'io:format("~0tp", [begin {erlang} end])')

    def printed(self, erlang: str) -> str:
        """What an Erlang expression prints there."""
        for _ in range(_TRIES):
            done = self._call(erlang)
            if "failed to connect" not in done.stderr:
                break  # Otherwise nothing was asked: the node was too busy to shake hands.
        printed, _, ended = done.stdout.rpartition("\n")
        assert (done.returncode, ended) == (0, "done"), f"{erlang}: {done.stdout}{done.stderr}"
        return printed

    def _call(self, erlang: str) -> "subprocess.CompletedProcess[str]":
        cookie = Path(self.home, ".erlang.cookie").read_text()
        return subprocess.run(
            ["erl_call", "-sname", self.name, "-c", cookie, "-fetch_stdout", "-no_result_term", "-e"],
            env={
                "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                "LANG": "C.UTF-8",
                "HOME": self.home,
                "ERL_EPMD_PORT": str(self.epmd_port),
            },
            input=f'{erlang}, io:format("~ndone").\n',
            capture_output=True,
            text=True,
            timeout=60,
        )
