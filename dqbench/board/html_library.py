"""plotly.js, from the installed package of the extra ``html``, packed so that it can stand inside a page."""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.util
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_BANNER = re.compile(r"plotly\.js v([0-9][0-9A-Za-z.+-]*)")
_BLOCK = re.compile(
    r'<script id="library" type="text/plain" data-name="plotly\.js ([0-9A-Za-z.+-]*)" data-hash="([A-Za-z0-9+/=]+)">'
    r"([A-Za-z0-9+/=\s]*)</script>"
)


@dataclass(frozen=True)
class Library:
    """The plotting library: version, base64 of the SHA-256 of its text, and the text, gzipped, in base64."""

    version: str
    digest: str
    packed: str

    @property
    def block(self) -> str:
        """The element that carries it; the page unpacks it when it draws its first chart."""
        return (
            f'<script id="library" type="text/plain" data-name="plotly.js {self.version}" '
            f'data-hash="{self.digest}">{self.packed}</script>'
        )


@cache
def installed() -> Library | None:
    """The installed one; None without the extra ``html``."""
    spec = importlib.util.find_spec("plotly")
    places = (spec.submodule_search_locations if spec else None) or []
    for place in places:
        path = Path(place) / "package_data" / "plotly.min.js"
        if path.is_file():
            return pack(path.read_text(encoding="utf-8"))
    return None


def pack(text: str) -> Library:
    """A library from its source text."""
    banner = _BANNER.search(text[:2000])
    data = text.encode()
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    packed = base64.b64encode(gzip.compress(data, mtime=0)).decode()
    return Library(banner[1] if banner else "", digest, packed)


def read(page: str) -> Library | None:
    """The library inside a page; None where there is none, or where it is not what its hash says."""
    found = _BLOCK.search(page)
    if not found:
        return None
    library = Library(found[1], found[2], found[3])
    try:
        data = gzip.decompress(base64.b64decode(library.packed, validate=True))
    except (ValueError, OSError, EOFError):
        return None
    return library if base64.b64encode(hashlib.sha256(data).digest()).decode() == library.digest else None
