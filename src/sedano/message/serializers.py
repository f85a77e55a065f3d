"""How bodies and results are written, under Celery's names and content types.

Called by ``celery_v2.encode``, by ``decoding.decode`` and by the result stores. JSON and pickle are always
there; yaml and msgpack are imported when first used. Never decides what is acceptable: the caller does.
"""

import os
import pickle
from collections.abc import Callable
from typing import Any, Final

import msgspec

from sedano.errors import ConfigurationError, MalformedMessage, NotSerializable, NotSupported, did_you_mean
from sedano.message import json_types

#: As Celery: readable by every Python since 3.4.
PICKLE_PROTOCOL: Final = int(os.environ.get("PICKLE_PROTOCOL", "4"))


class Serializer(msgspec.Struct, frozen=True, kw_only=True):
    """One way to write values. The two functions may raise anything; ``dumps`` and ``loads`` translate it."""

    name: str
    content_type: str
    #: ``utf-8``, or ``binary`` where the bytes are no text.
    content_encoding: str
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]

    def dumps(self, value: object) -> bytes:
        """Write a value.

        Raises:
            NotSerializable: it cannot be written.
            ConfigurationError: a package that this serializer needs is not installed.
        """
        try:
            return self.write(value)
        except ConfigurationError:
            raise
        except Exception as error:
            raise NotSerializable(f"The value cannot be written as {self.name}: {error}") from error

    def loads(self, written: bytes) -> Any:
        """Read a value.

        Raises:
            MalformedMessage: the bytes are nothing that this serializer writes.
        """
        try:
            return self.read(written)
        except ConfigurationError as error:
            raise MalformedMessage(str(error)) from error
        except Exception as error:
            raise MalformedMessage(f"The body cannot be read as {self.name}: {error}") from error


_by_name: Final[dict[str, Serializer]] = {}
_by_content_type: Final[dict[str, Serializer]] = {}


def register_serializer(serializer: Serializer) -> None:
    """Make a serializer known by its name and its content type; workers need it in ``accept_content``."""
    _by_name[serializer.name] = serializer
    _by_content_type[serializer.content_type] = serializer


def find_serializer(name: str) -> Serializer:
    """The serializer of this name, or of this content type, for writing.

    Raises:
        ConfigurationError: there is none.
    """
    found = _by_name.get(name) or _by_content_type.get(name)
    if found is None:
        if name == "auth":
            raise NotSupported(
                "The serializer 'auth' (signed messages) is not supported by this version. Use 'json'."
            )
        raise ConfigurationError(
            f"{name!r} is no known serializer.{did_you_mean(str(name), _by_name)} "
            f"Known are: {', '.join(sorted(_by_name))}."
        )
    return found


def serializer_for(content_type: str) -> Serializer | None:
    """The serializer that writes this content type, if there is one."""
    return _by_content_type.get(content_type)


def _write_json(value: object) -> bytes:
    return json_types.dumps(value).encode("ascii")


def _write_yaml(value: object) -> bytes:
    try:
        import yaml
    except ImportError as error:
        raise _not_installed("yaml", "PyYAML") from error
    written: str = yaml.safe_dump(value)
    return written.encode("utf-8")


def _read_yaml(written: bytes) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise _not_installed("yaml", "PyYAML") from error
    return yaml.safe_load(written)


def _write_msgpack(value: object) -> bytes:
    try:
        import msgpack
    except ImportError as error:
        raise _not_installed("msgpack", "msgpack") from error
    written: bytes = msgpack.packb(value, use_bin_type=True)
    return written


def _read_msgpack(written: bytes) -> Any:
    try:
        import msgpack
    except ImportError as error:
        raise _not_installed("msgpack", "msgpack") from error
    return msgpack.unpackb(written, raw=False)


def _write_pickle(value: object) -> bytes:
    return pickle.dumps(value, protocol=PICKLE_PROTOCOL)


def _read_pickle(written: bytes) -> Any:
    # Only reached where the user put pickle into accept_content.
    return pickle.loads(written)  # noqa: S301


def _write_raw(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, bytes):
        return value
    raise TypeError(f"raw takes bytes or text, not {type(value)!r}")


def _not_installed(extra: str, package: str) -> ConfigurationError:
    return ConfigurationError(
        f"The serializer {extra!r} needs the package {package}: pip install 'sedano[{extra}]'"
    )


register_serializer(
    Serializer(
        name="json",
        content_type="application/json",
        content_encoding="utf-8",
        write=_write_json,
        read=json_types.loads,
    )
)
register_serializer(
    Serializer(
        name="yaml",
        content_type="application/x-yaml",
        content_encoding="utf-8",
        write=_write_yaml,
        read=_read_yaml,
    )
)
register_serializer(
    Serializer(
        name="msgpack",
        content_type="application/x-msgpack",
        content_encoding="binary",
        write=_write_msgpack,
        read=_read_msgpack,
    )
)
register_serializer(
    Serializer(
        name="pickle",
        content_type="application/x-python-serialize",
        content_encoding="binary",
        write=_write_pickle,
        read=_read_pickle,
    )
)
register_serializer(
    Serializer(
        name="raw",
        content_type="application/data",
        content_encoding="binary",
        write=_write_raw,
        read=bytes,
    )
)
