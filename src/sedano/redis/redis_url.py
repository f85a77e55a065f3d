"""Where a Redis is and how to get in: from Celery's URLs and transport options to one value.

Called by the Redis broker and the Redis result store. Never connects.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sedano.errors import ConfigurationError

#: The schemes that ``RedisLocation.from_url`` reads.
SCHEMES: Final = ("redis", "rediss", "redis+socket", "sentinel", "redis+cluster", "valkey", "valkeys")

_TLS: Final = frozenset({"rediss", "valkeys"})
_CERTIFICATES: Final = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisLocation:
    """One Redis server, Sentinel set-up or cluster, and one database of it.

    >>> location = RedisLocation.from_url("redis://:secret@cache:6380/2")
    >>> location.host, location.port, location.db, location.identity
    ('cache', 6380, 2, 'redis://cache:6380/2')
    """

    host: str = "localhost"
    port: int = 6379
    db: int = 0
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    #: The path of a Unix domain socket; then host and port mean nothing.
    path: str | None = None
    #: redis-py's keywords for TLS; None for a connection in the clear.
    tls: Mapping[str, Any] | None = None
    #: Sentinels to ask for the server, and the name it has there.
    sentinels: tuple[tuple[str, int], ...] = ()
    master_name: str | None = None
    sentinel_options: Mapping[str, Any] = field(default_factory=dict)
    #: A cluster: the host is any of its servers.
    cluster: bool = False
    #: Others of them, to be asked if that one does not answer.
    more_hosts: tuple[tuple[str, int], ...] = ()

    @classmethod
    def from_url(
        cls, url: str, *, options: Mapping[str, Any] | None = None, setting: str = "broker_url"
    ) -> "RedisLocation":
        """Read a URL as Celery writes it.

        Args:
            options: Transport options; ``master_name`` and ``sentinel_kwargs`` are read.
            setting: The name of the setting that holds the URL, for messages to people.

        Raises:
            ConfigurationError: The URL cannot be read.
        """
        options = options or {}
        scheme = url.partition("://")[0].lower()
        first, *others = url.split(";")
        try:
            parts = urlsplit(first)
            query = dict(parse_qsl(parts.query))
            user = unquote(parts.username) if parts.username else None
            password = unquote(parts.password) if parts.password else None
            if scheme == "redis+socket":
                db = int(query.get("virtual_host") or query.get("db") or 0)
                return cls(path=unquote(parts.path), db=db, username=user, password=password)
            host, port, db = parts.hostname or "localhost", parts.port, _database(parts, query)
            if scheme == "sentinel":
                return cls(
                    db=db if not others else _database(urlsplit(others[-1]), query),
                    username=user,
                    password=password,
                    sentinels=((host, port or 26379), *(_address(other, 26379) for other in others)),
                    master_name=_master_name(options, query, setting),
                    sentinel_options=dict(options.get("sentinel_kwargs") or {}),
                )
            cluster = scheme == "redis+cluster"
            if cluster and db:
                raise ValueError(f"a Redis Cluster has no database but 0, got {db}")
            return cls(
                host=unquote(host),
                port=port or 6379,
                db=db,
                username=user,
                password=password,
                tls=_tls(query, setting) if scheme in _TLS or (cluster and _names_tls(query)) else None,
                cluster=cluster,
                more_hosts=tuple(_address(other, 6379) for other in others) if cluster else (),
            )
        except ValueError as error:
            raise ConfigurationError(f"{setting}: the Redis URL cannot be read: {error}") from error

    @property
    def identity(self) -> str:
        """Where it is, without secrets: the same for all who mean the same database."""
        if self.path is not None:
            return f"redis+socket://{self.path}?virtual_host={self.db}"
        if self.sentinels:
            hosts = ",".join(f"{host}:{port}" for host, port in sorted(self.sentinels))
            return f"sentinel://{hosts}/{self.master_name}/{self.db}"
        scheme = "redis+cluster" if self.cluster else "redis"
        return f"{scheme}://{self.host}:{self.port}/{self.db}"


def _database(parts: SplitResult, query: Mapping[str, str]) -> int:
    text = unquote(parts.path).strip("/") or query.get("db") or query.get("virtual_host") or "0"
    if not text.isdecimal():
        raise ValueError(f"expected the number of a database behind the host, got {text!r}")
    return int(text)


def _address(url: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(url if "://" in url else f"redis://{url}")
    return parts.hostname or "localhost", parts.port or default_port


def _master_name(options: Mapping[str, Any], query: Mapping[str, str], setting: str) -> str:
    name = options.get("master_name") or query.get("master_name")
    if not name:
        raise ConfigurationError(
            f"{setting}: sentinel:// needs the transport option master_name: the name of the server there."
        )
    return str(name)


def _names_tls(query: Mapping[str, str]) -> bool:
    """Whether there are options for TLS: for a scheme that has no variant of its own with it."""
    return any(name.startswith("ssl_") for name in query)


def _tls(query: Mapping[str, str], setting: str) -> dict[str, Any]:
    """redis-py's keywords, from a query such as ``ssl_cert_reqs=required&ssl_ca_certs=/etc/ca.pem``."""
    tls: dict[str, Any] = {name: value for name, value in query.items() if name.startswith("ssl_")}
    wanted = str(tls.pop("ssl_cert_reqs", "required")).lower().removeprefix("cert_")
    if wanted not in _CERTIFICATES:
        raise ConfigurationError(
            f"{setting}: ssl_cert_reqs: expected required, optional or none, got {wanted!r}."
        )
    hostname = str(tls.pop("ssl_check_hostname", "true")).lower() not in {"0", "false", "no"}
    return {
        **tls,
        "ssl_cert_reqs": _CERTIFICATES[wanted],
        "ssl_check_hostname": hostname and wanted == "required",
    }
