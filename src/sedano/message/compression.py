"""Compressed bodies, under Celery's names: the header says the MIME name, people say the short one.

Called when a body is encoded or decoded. Never gives out more bytes than it was allowed to, whatever a body
claims to hold: a megabyte can be made to unpack into a terabyte. bz2 and lzma are imported when first used.
"""

import zlib
from collections.abc import Callable
from typing import Final

import msgspec

from sedano.errors import ConfigurationError, MalformedMessage, MessageTooLarge, did_you_mean

#: The largest body that is taken apart: several times what brokers are good for, and no danger to memory.
MAX_BODY: Final = 64 * 1024 * 1024
#: XZ's strongest preset needs 65 MiB to unpack.
LZMA_MEMORY: Final = 128 * 1024 * 1024


class Compression(msgspec.Struct, frozen=True, kw_only=True):
    """One way to compress.

    ``decompress`` gets the bytes and how many it may give out at most. It may stop at that many: one more
    than allowed is enough to show that there are too many.
    """

    name: str
    content_type: str
    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes, int], bytes]
    aliases: tuple[str, ...] = ()


_known: Final[dict[str, Compression]] = {}


def register_compression(compression: Compression) -> None:
    """Make a way to compress known under its names and its content type."""
    for name in (compression.name, compression.content_type, *compression.aliases):
        _known[name] = compression


def find_compression(name: str) -> Compression:
    """The way to compress of this name, for writing.

    Raises:
        ConfigurationError: there is none.
    """
    found = _known.get(name)
    if found is None:
        raise ConfigurationError(
            f"{name!r} is no known compression.{did_you_mean(str(name), _known)} Known are: {_known_names()}."
        )
    return found


def decompress(body: bytes, name: object, *, max_size: int) -> bytes:
    """Unpack a body whose header ``compression`` says ``name``.

    Raises:
        MessageTooLarge: it holds more than ``max_size`` bytes.
        MalformedMessage: it is not what its header says, or the header says something unknown.
    """
    found = _known.get(name) if isinstance(name, str) else None
    if found is None:
        raise MalformedMessage(
            f"header 'compression': {name!r} is no known compression. Known are: {_known_names()}."
        )
    try:
        unpacked = found.decompress(body, max_size + 1)
    except Exception as error:
        raise MalformedMessage(f"The body cannot be decompressed as {found.name}: {error}") from error
    if len(unpacked) > max_size:
        raise MessageTooLarge(f"The body unpacks to more than the {max_size:,} bytes that are accepted.")
    return unpacked


def _known_names() -> str:
    return ", ".join(sorted({compression.name for compression in _known.values()}))


def _inflate(body: bytes, max_size: int) -> bytes:
    unpacker = zlib.decompressobj()
    return _finished(unpacker.decompress(body, max_size), unpacker.eof, max_size)


def _pack_bzip2(body: bytes) -> bytes:
    import bz2

    return bz2.compress(body)


def _unpack_bzip2(body: bytes, max_size: int) -> bytes:
    import bz2

    unpacker = bz2.BZ2Decompressor()
    return _finished(unpacker.decompress(body, max_size), unpacker.eof, max_size)


def _pack_lzma(body: bytes) -> bytes:
    import lzma

    return lzma.compress(body)


def _unpack_lzma(body: bytes, max_size: int) -> bytes:
    import lzma

    unpacker = lzma.LZMADecompressor(memlimit=LZMA_MEMORY)
    return _finished(unpacker.decompress(body, max_size), unpacker.eof, max_size)


def _finished(unpacked: bytes, is_complete: bool, max_size: int) -> bytes:
    if not is_complete and len(unpacked) < max_size:
        raise ValueError("the data ends too early")
    return unpacked


# Celery's "gzip" is a zlib stream, without gzip's own header.
register_compression(
    Compression(
        name="gzip",
        content_type="application/x-gzip",
        compress=zlib.compress,
        decompress=_inflate,
        aliases=("zlib",),
    )
)
register_compression(
    Compression(
        name="bzip2",
        content_type="application/x-bz2",
        compress=_pack_bzip2,
        decompress=_unpack_bzip2,
        aliases=("bzip",),
    )
)
register_compression(
    Compression(
        name="lzma",
        content_type="application/x-lzma",
        compress=_pack_lzma,
        decompress=_unpack_lzma,
        aliases=("xz",),
    )
)
