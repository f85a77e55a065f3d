"""Where a RabbitMQ is and how to get in: from Celery's URLs and settings to one value.

Called by the RabbitMQ broker and the rpc result store. Never connects.
"""

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from sedano.errors import ConfigurationError, did_you_mean

#: The schemes that ``AmqpLocation.from_url`` reads.
SCHEMES: Final = ("amqp", "amqps", "pyamqp", "rpc")

_TLS_PORT, _PORT = 5671, 5672
_CERTIFICATES: Final = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}
#: What a URL may say behind its question mark, beside the TLS options.
_QUERY: Final = ("heartbeat", "login_method")
_LOGIN_METHODS: Final = ("PLAIN", "AMQPLAIN", "EXTERNAL", "GSSAPI")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """How to trust and to be trusted. The defaults trust what the system trusts."""

    ca_certs: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    cert_reqs: ssl.VerifyMode = ssl.CERT_REQUIRED
    check_hostname: bool = True
    #: The name on the server's certificate, where it is not the host's in the URL.
    server_hostname: str | None = None
    ciphers: str | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any], setting: str) -> "TlsOptions":
        """Read ``broker_use_ssl``, or the ``ssl_`` part of a URL's query; with and without that prefix."""
        given = {name.removeprefix("ssl_"): value for name, value in options.items()}
        given.pop("version", None)  # the newest one that both sides know
        if unknown := sorted(given.keys() - cls.__dataclass_fields__.keys()):
            known = sorted(cls.__dataclass_fields__)
            raise ConfigurationError(
                f"{setting}: no such TLS option: {unknown[0]}.{did_you_mean(unknown[0], known)}"
                f" Known ones: {', '.join(known)}."
            )
        verify = _verify_mode(given.pop("cert_reqs", ssl.CERT_REQUIRED), setting)
        hostname = str(given.pop("check_hostname", "true")).lower() not in {"0", "false", "no"}
        return cls(cert_reqs=verify, check_hostname=hostname and verify is ssl.CERT_REQUIRED, **given)

    def context(self) -> ssl.SSLContext:
        """What a socket is wrapped with.

        Raises:
            OSError, ssl.SSLError: A file cannot be read.
        """
        context = ssl.create_default_context(cafile=self.ca_certs)
        context.check_hostname = self.check_hostname
        context.verify_mode = self.cert_reqs
        if self.certfile is not None:
            context.load_cert_chain(self.certfile, self.keyfile)
        if self.ciphers is not None:
            context.set_ciphers(self.ciphers)
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class AmqpServer:
    """One server of a location, and the virtual host and the user there."""

    host: str = "localhost"
    port: int = _PORT
    username: str = "guest"
    password: str = field(default="guest", repr=False)
    vhost: str = "/"
    #: None for a connection in the clear.
    tls: TlsOptions | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AmqpLocation:
    """One RabbitMQ: a server, or some of which any will do.

    >>> location = AmqpLocation.from_url("amqp://me:secret@rabbit-1/shop;amqp://me:secret@rabbit-2/shop")
    >>> [server.host for server in location.servers], location.identity
    (['rabbit-1', 'rabbit-2'], 'amqp://rabbit-1:5672,rabbit-2:5672/shop')
    """

    servers: tuple[AmqpServer, ...] = (AmqpServer(),)
    #: Celery's ``broker_login_method``; None means PLAIN.
    login_method: str | None = None
    #: The URL's ``heartbeat``, seconds; None leaves it to whoever connects.
    heartbeat: float | None = None
    #: Each connection begins with another of the servers; otherwise always with the first one that answers.
    spread: bool = False

    @classmethod
    def from_url(
        cls,
        url: str | Iterable[str],
        *,
        use_ssl: bool | Mapping[str, Any] | None = None,
        login_method: str | None = None,
        spread: bool = False,
        setting: str = "broker_url",
    ) -> "AmqpLocation":
        """Read a URL as Celery writes it: several are separated by ``;`` or come as a list.

        Args:
            use_ssl: ``broker_use_ssl``: True, or TLS options. A URL with ``amqps`` has TLS anyway.
            setting: The name of the setting that holds the URL, for messages to people.

        Raises:
            ConfigurationError: The URL cannot be read.
        """
        urls = url.split(";") if isinstance(url, str) else [part for one in url for part in one.split(";")]
        try:
            read = [_read(one.strip(), use_ssl, setting) for one in urls if one.strip()]
        except ValueError as error:
            raise ConfigurationError(f"{setting}: the RabbitMQ URL cannot be read: {error}") from error
        said: dict[str, str] = {}
        for _, query in read:
            said |= query
        method = login_method or said.get("login_method")
        if method is not None and method.upper() not in _LOGIN_METHODS:
            known = ", ".join(_LOGIN_METHODS)
            raise ConfigurationError(f"broker_login_method: expected one of {known}, got {method!r}.")
        return cls(
            servers=tuple(server for server, _ in read) or (AmqpServer(),),
            login_method=method.upper() if method else None,
            heartbeat=float(said["heartbeat"]) if "heartbeat" in said else None,
            spread=spread,
        )

    @property
    def identity(self) -> str:
        """Where it is, without secrets: the same for all who mean the same virtual host."""
        hosts = ",".join(sorted({str(server) for server in self.servers}))
        return f"amqp://{hosts}/{self.servers[0].vhost.removeprefix('/')}"


def _read(
    url: str, use_ssl: bool | Mapping[str, Any] | None, setting: str
) -> tuple[AmqpServer, dict[str, str]]:
    parts = urlsplit(url if "://" in url else f"amqp://{url}")
    if parts.scheme not in SCHEMES:
        raise ValueError(f"one of several URLs begins with {parts.scheme}://")
    query = dict(parse_qsl(parts.query))
    tls = {name: query.pop(name) for name in list(query) if name.startswith("ssl_")}
    if unknown := sorted(query.keys() - set(_QUERY)):
        raise ValueError(f"it says {unknown[0]}=, which nobody reads; known are {', '.join(_QUERY)}, ssl_...")
    if "heartbeat" in query and float(query["heartbeat"]) < 0:
        raise ValueError(f"heartbeat: expected seconds, got {query['heartbeat']!r}")
    if isinstance(use_ssl, Mapping):
        tls = {**use_ssl, **tls}
    wants_tls = parts.scheme == "amqps" or bool(use_ssl) or bool(tls)
    # Nothing and a lone slash are the default; Celery's documents write it as a second slash.
    vhost = unquote(parts.path[1:]) or "/"
    server = AmqpServer(
        host=unquote(parts.hostname or "localhost"),
        port=parts.port or (_TLS_PORT if wants_tls else _PORT),
        username=unquote(parts.username) if parts.username else "guest",
        password=unquote(parts.password) if parts.password is not None else "guest",
        vhost=vhost,
        tls=TlsOptions.from_options(tls, setting) if wants_tls else None,
    )
    return server, query


def _verify_mode(wanted: Any, setting: str) -> ssl.VerifyMode:
    if isinstance(wanted, ssl.VerifyMode):
        return wanted
    if isinstance(wanted, int):
        return ssl.VerifyMode(wanted)
    text = str(wanted).lower().removeprefix("cert_")
    if text not in _CERTIFICATES:
        raise ConfigurationError(
            f"{setting}: ssl_cert_reqs: expected required, optional or none, got {wanted!r}."
        )
    return _CERTIFICATES[text]
