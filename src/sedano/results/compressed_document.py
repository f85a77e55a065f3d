"""Compressed documents, as Celery's ``result_compression`` stores them: the document itself says how.

Called by ``celery_meta`` and ``chord_document``. The setting says how documents are written; any is read.
"""

from typing import Final

from sedano.message.compression import decompress, find_compression

#: The MIME name of the compression follows, a zero byte, and the compressed document. No document that is not
#: compressed begins so.
_MARK: Final = b"\0celery-compressed\0"

#: The most bytes that a document may unpack to: as much as Redis can hold in one value.
LARGEST: Final = 512 * 1024 * 1024


def pack(document: bytes, compression: str | None) -> bytes:
    """A document as it is stored.

    Args:
        compression: A name known to ``message.compression``; None leaves the document as it is.

    Raises:
        ConfigurationError: no such compression.

    >>> unpack(pack(b"{}", "gzip")), pack(b"{}", None)
    (b'{}', b'{}')
    """
    if compression is None:
        return document
    chosen = find_compression(compression)
    return b"%b%b\0%b" % (_MARK, chosen.content_type.encode(), chosen.compress(document))


def unpack(stored: bytes) -> bytes:
    """The document that was stored.

    Raises:
        MessageError: it is not what its mark says, or larger than can be.
    """
    if not stored.startswith(_MARK):
        return stored
    content_type, _, packed = stored[len(_MARK) :].partition(b"\0")
    return decompress(packed, content_type.decode("ascii", "replace"), max_size=LARGEST)
