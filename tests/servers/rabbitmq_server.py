"""A private RabbitMQ: started on free ports, in a folder of its own, and gone when the test is.

Used by tests that talk to a real server. It takes seconds to start, so they share one (``rabbitmq`` in the
conftest) wherever they do not harm it. Without ``rabbitmq-server`` on this machine they are skipped, with the
command that brings it; where ``CI`` is set they fail.
"""

import os
import re
import shutil
import socket
import subprocess
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.servers.certificates import Certificates
from tests.servers.erlang_node import ErlangNode
from tests.servers.free_ports import free_ports
from tests.servers.server_process import ServerProcess

#: What a broker may take where that is not what is tested: the first delay in a new virtual host declares
#: more than a hundred things, each of which the server writes to its disk.
PATIENT: Final = timedelta(seconds=20)
#: Where Debian puts the scripts that run as anybody; those in the path want to be root or rabbitmq.
_DEBIAN: Final = "/usr/lib/rabbitmq/bin"
#: Nothing listens anywhere but here, and a server with nothing to do takes no processor time.
_ERLANG: Final = (
    "-noinput +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
)


def needs_rabbitmq() -> Path:
    """The folder with rabbitmq-server and the tools beside it."""
    found = shutil.which("rabbitmq-server", path=os.pathsep.join([_DEBIAN, os.environ.get("PATH", "")]))
    if found is None or not all(map(shutil.which, ("epmd", "erl_call"))):
        reason = "There is no rabbitmq-server here; `make servers` (as root) brings it."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(found).parent


#: Makes a virtual host.
_MAKE_VHOST: Final = """
    rabbit_vhost:add(<<"{0}">>, <<"test">>),
    rabbit_auth_backend_internal:set_permissions(
        <<"guest">>, <<"{0}">>, <<".*">>, <<".*">>, <<".*">>, <<"test">>)
"""
#: Deletes its queues, but for those of delays, which it purges.
_EMPTY_VHOST: Final = """
    [case string:prefix(element(4, amqqueue:get_name(Q)), "celery_delayed_") of
        nomatch -> catch rabbit_amqqueue:delete(Q, false, false, <<"test">>);
        _ -> catch rabbit_amqqueue:purge(Q)
     end || Q <- rabbit_amqqueue:list(<<"{}">>)], ok
"""
_DELETE_VHOST: Final = 'rabbit_vhost:delete(<<"{}">>, <<"test">>)'


class RabbitServer(ServerProcess):
    """One server. It can be frozen, killed, and started again with or without its data.

    Args:
        folder: Where it keeps everything; a new one.
        config: More lines of ``rabbitmq.conf``.
        certificates: It listens with TLS as well, at ``tls_port``.
        joins: Becomes a node of this one's cluster, and is stopped before it.
    """

    def __init__(
        self,
        folder: Path,
        *config: str,
        certificates: Certificates | None = None,
        joins: "RabbitServer | None" = None,
    ) -> None:
        self._tools = needs_rabbitmq()
        self._folder = folder
        self._epmd: subprocess.Popen[bytes] | None = None
        self.port, distribution, epmd_port, self.tls_port = free_ports(4)
        #: What the servers of a cluster call it.
        self.node = f"test{self.port}@localhost"
        self._home = folder if joins is None else joins._home
        self._epmd_port: int = epmd_port if joins is None else joins._epmd_port
        #: Answers what AMQP has no question for.
        self.erlang = ErlangNode(self.node, str(self._home), self._epmd_port)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        lines = ["loopback_users.guest = false", "disk_free_limit.absolute = 1MB", *config]
        if certificates is not None:
            lines += [
                f"listeners.ssl.default = 127.0.0.1:{self.tls_port}",
                f"ssl_options.cacertfile = {certificates.authority}",
                f"ssl_options.certfile = {certificates.certificate}",
                f"ssl_options.keyfile = {certificates.key}",
                "ssl_options.verify = verify_none",
            ]
        (folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (folder / "plugins").write_text("[].\n")
        self._environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": str(self._home),  # of the cookie
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_LOGS": str(folder / "rabbitmq.log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
            # The script then becomes the server, instead of starting it: its pid is the server's.
            "RABBITMQ_ALLOW_INPUT": "1",
        }
        if joins is None:
            # Started by us: a server would start one that outlives it.
            epmd = ["epmd", "-port", str(epmd_port), "-address", "127.0.0.1"]
            self._epmd = subprocess.Popen(epmd, env=self._environment, stdin=subprocess.DEVNULL)
        try:
            self.start()
            if joins is not None:
                self.ctl("stop_app")
                self.ctl("join_cluster", joins.node)
                self.ctl("start_app")
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self._folder / "output.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._tools / "rabbitmq-server")],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        self._wait_until_it_answers(self._process)

    def forget(self) -> None:
        """Delete what it has written, so that it starts empty. Only while it is not running."""
        shutil.rmtree(self._folder / "data", ignore_errors=True)

    def stop(self) -> None:
        """End it for good."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None

    def ctl(self, *arguments: str, tool: str = "rabbitmqctl") -> str:
        """What ``rabbitmqctl`` (or another tool) prints. Takes a second or two."""
        done = subprocess.run(
            [str(self._tools / tool), "--quiet", *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"{tool} {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def evaluate(self, erlang: str) -> str:
        """What an Erlang expression gives in the server, as Erlang writes it. Takes milliseconds."""
        return self.erlang.evaluate(erlang)

    def close_connections(self) -> None:
        """Close every connection, as an administrator does."""
        self.evaluate('rabbit_networking:close_all_connections("the test says so")')

    def block_publishers(self) -> None:
        """Say that memory is used up: whoever publishes is stopped, and told with ``connection.blocked``."""
        self.evaluate('vm_memory_monitor:set_vm_memory_high_watermark({absolute, "1MB"})')

    def unblock_publishers(self) -> None:
        """Say that there is memory again."""
        self.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.4)")

    def queues(self, url: str) -> dict[str, str]:
        """The queues of the virtual host of a URL: what Erlang writes of each, by its name."""
        said = "rabbit_amqqueue:info(Q, [type, durable, exclusive, arguments])"
        printed = self.erlang.printed(
            f'[io:format("~ts\t~0tp~n", [element(4, amqqueue:get_name(Q)), {said}])'
            f' || Q <- rabbit_amqqueue:list(<<"{vhost_of(url)}">>)]'
        )
        return dict(line.split("\t") for line in printed.splitlines())

    def connection_names(self, url: str) -> list[str]:
        """What those who are connected to the virtual host of a URL call their connections."""
        said = self.evaluate("rabbit_networking:connection_info_all([vhost, client_properties])")
        name = '.*?<<"connection_name">>,longstr,<<"(.*?)">>'
        return re.findall(f'{{vhost,<<"{vhost_of(url)}">>}}{name}', said)

    def make_user(self, name: str, url: str, *, write: str) -> None:
        """A user with the password ``secret``, who may do nothing but to write there."""
        self.evaluate(
            f'rabbit_auth_backend_internal:add_user(<<"{name}">>, <<"secret">>, <<"test">>),'
            f"rabbit_auth_backend_internal:set_permissions("
            f'<<"{name}">>, <<"{vhost_of(url)}">>, <<>>, <<"{write}">>, <<>>, <<"test">>)'
        )

    def delete_user(self, name: str) -> None:
        """There is no such user any more."""
        self.evaluate(f'rabbit_auth_backend_internal:delete_user(<<"{name}">>, <<"test">>)')

    def new_vhost(self) -> str:
        """The URL of a virtual host of its own, that is empty. ``give_back`` it."""
        url = f"amqp://guest:guest@127.0.0.1:{self.port}/v{uuid.uuid4().hex[:12]}"
        self.make_vhost(url)
        return url

    def give_back(self, url: str) -> None:
        """The virtual host of this URL is done with; it is deleted some time."""
        self.evaluate(f"spawn(fun() -> catch {_DELETE_VHOST.format(vhost_of(url))} end)")

    def make_vhost(self, url: str) -> None:
        """Make the virtual host of a URL, again or for the first time."""
        self.evaluate(_MAKE_VHOST.format(vhost_of(url)))

    def empty(self, url: str) -> None:
        """Delete the queues of a virtual host; those for delays stay, with nothing in them."""
        self.evaluate(_EMPTY_VHOST.format(vhost_of(url)))

    def delete_vhost(self, url: str) -> None:
        """Delete the virtual host of a URL, with everything in it, now."""
        self.evaluate(_DELETE_VHOST.format(vhost_of(url)))

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 60
        while not _speaks_amqp(self.port):
            if time.monotonic() > deadline or process.poll() is not None:
                pytest.fail(f"rabbitmq-server did not start: {(self._folder / 'output.log').read_text()}")
            time.sleep(0.02)


def vhost_of(url: str) -> str:
    """The name of the virtual host in a URL."""
    return url.rpartition("/")[2]


def _speaks_amqp(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            # A method frame on channel 0: connection.start.
            return connection.recv(3) == b"\x01\x00\x00"
    except OSError:
        return False
