"""Lua scripts kept in ``.lua`` files beside the modules that run them.

Loaded once when an adapter's module is imported; run by ``RedisLink.run``. A file begins with the keys it
touches and their types.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Script:
    """One script, and the name the server knows it by."""

    name: str
    source: bytes
    sha: str


def load_script(package: str, *file_names: str) -> Script:
    """The script in a file of a package; the others are put in front of it, in their order.

    A name may begin with another package: ``sedano.redis:store_result.lua``.

    >>> load_script("sedano.brokers.redis", "look.lua").name
    'look'
    """
    source = b"\n".join(_read(package, file_name) for file_name in file_names)
    name = file_names[-1].removesuffix(".lua")
    return Script(name, source, hashlib.sha1(source, usedforsecurity=False).hexdigest())


def _read(package: str, file_name: str) -> bytes:
    other, separator, name = file_name.partition(":")
    return resources.files(other if separator else package).joinpath(name or file_name).read_bytes()
