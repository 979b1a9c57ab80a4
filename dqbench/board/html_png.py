"""PNG without compression: the same bytes from every zlib, so that pages can be compared."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 3: 2}
_BLOCK = 65535


def data_uri(image: Any) -> str:
    """An image of shape (height, width, 1 or 3), uint8, as a ``data:`` address."""
    return "data:image/png;base64," + base64.b64encode(encode(image)).decode("ascii")


def encode(image: Any) -> bytes:
    """The PNG file of an image of shape (height, width, 1 or 3), uint8.

    Raises:
        ValueError: another shape or type.
    """
    pixels = np.ascontiguousarray(image)
    if pixels.ndim != 3 or pixels.shape[2] not in _COLOUR_TYPES or pixels.dtype != np.uint8:
        raise ValueError(f"an image must be (height, width, 1 or 3) uint8, not {pixels.shape} {pixels.dtype}")
    height, width, channels = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    lines = np.zeros((height, 1 + width * channels), dtype=np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    parts = ((b"IHDR", head), (b"IDAT", _stored(lines.tobytes())), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _stored(data: bytes) -> bytes:
    """A zlib stream of stored blocks (RFC 1950 and 1951)."""
    blocks = [data[i : i + _BLOCK] for i in range(0, len(data), _BLOCK)] or [b""]
    body = b"".join(
        struct.pack("<BHH", number == len(blocks) - 1, len(block), 0xFFFF ^ len(block)) + block
        for number, block in enumerate(blocks)
    )
    return b"\x78\x01" + body + struct.pack(">I", zlib.adler32(data))
