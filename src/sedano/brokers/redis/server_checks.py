"""Whether a Redis is set up to keep messages: what ``sedano check`` says of it.

Called by ``RedisAdmin.remarks``. Reads ``INFO`` and ``CONFIG GET``, and changes nothing. What a managed
server does not show is said, and is no reason to fail.
"""

from collections.abc import Mapping
from typing import Final

from sedano.brokers.admin import Remark
from sedano.errors import BrokerError, BrokerUnavailable, ConfigurationError
from sedano.redis.link import RedisLink

#: The first version with ``BLMOVE``.
OLDEST: Final = (6, 2)

_CHANGE: Final = "In redis.conf, or by CONFIG SET and CONFIG REWRITE:"


def look_at(link: RedisLink) -> list[Remark]:
    """Ask the server, and judge what it says."""
    return judge(_info(link), _config(link))


def judge(info: Mapping[str, str], config: Mapping[str, str] | None) -> list[Remark]:
    """What is dangerous about such a server.

    Args:
        info: Fields of ``INFO``.
        config: ``save`` and ``appendfsync``; None if the server does not show them.

    >>> [remark.text for remark in judge({"redis_version": "6.0.16", "aof_enabled": "1"}, {})]
    ['The server is a Redis 6.0.16; it takes 6.2 or newer.']
    """
    return [*_version(info), *_eviction(info), *_persistence(info, config)]


def _version(info: Mapping[str, str]) -> list[Remark]:
    # Valkey tells both: its own version, and that of the Redis whose commands it has.
    version = info.get("redis_version", "")
    numbers = [int(part) for part in version.split(".")[:2] if part.isdecimal()]
    if not numbers or tuple(numbers) >= OLDEST:
        return []
    wanted = ".".join(map(str, OLDEST))
    return [Remark(f"The server is a Redis {version}; it takes {wanted} or newer.")]


def _eviction(info: Mapping[str, str]) -> list[Remark]:
    policy = info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return []
    what = "messages and results" if policy.startswith("allkeys") else "results that are not read yet"
    when = "when maxmemory is reached" if info.get("maxmemory", "0") != "0" else "once a maxmemory is set"
    return [
        Remark(
            f"maxmemory-policy is {policy}: {when}, the server throws away {what}.",
            f"{_CHANGE} maxmemory-policy noeviction",
        )
    ]


def _persistence(info: Mapping[str, str], config: Mapping[str, str] | None) -> list[Remark]:
    appends = info.get("aof_enabled") == "1"
    if config is None:
        unseen = "how often the append-only file is synced" if appends else "whether it saves snapshots"
        return [Remark(f"The server does not show its settings (CONFIG GET): {unseen}.", is_note=True)]
    if appends and config.get("appendfsync") == "no":
        return [
            Remark(
                "appendfsync is no: what the system has not written by itself is lost with the machine.",
                f"{_CHANGE} appendfsync everysec (or always)",
            )
        ]
    if appends:
        return []
    if not config.get("save"):
        return [
            Remark(
                "The server keeps nothing on disk (appendonly no, no save): a restart loses the messages.",
                f"{_CHANGE} appendonly yes",
            )
        ]
    return [
        Remark(
            "The server only saves snapshots (appendonly no): it may lose what came after the last one.",
            f"{_CHANGE} appendonly yes",
            is_note=True,
        )
    ]


def _info(link: RedisLink) -> dict[str, str]:
    text = link.call("INFO").decode(errors="replace")
    fields = (line.partition(":") for line in text.splitlines())
    return {name: value for name, colon, value in fields if colon}


def _config(link: RedisLink) -> dict[str, str] | None:
    try:
        answers = link.pipeline([("CONFIG", "GET", name) for name in ("save", "appendfsync")])
    except BrokerUnavailable:
        raise
    except (BrokerError, ConfigurationError):  # renamed away, or not allowed to this user
        return None
    return {answer[0].decode(): answer[1].decode() for answer in answers if answer}
