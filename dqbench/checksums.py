"""JSON files that vouch for themselves: their last entry is the sha256 of the file without that entry."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from dqbench.errors import UsageError

FIELD = "checksum"
State = Literal["right", "wrong", "none"]

_ENTRY = re.compile(rb',\n "%s": "([0-9a-f]{64})"\n\}\n\Z' % FIELD.encode())
_ANY = re.compile(rb'"%s"\s*:\s*"[0-9a-f]{64}"\s*\}\s*\Z' % FIELD.encode())


class ChangedError(UsageError):
    """A file is not what was written: it does not have the checksum that it holds."""


def with_checksum(text: str) -> str:
    """A JSON object, written with an indent of 1 and a line's end after it, with its checksum as the last entry."""
    if not text.endswith("\n}\n"):
        raise ValueError(f"{text[-20:]!r} is no end of a JSON object with an indent of 1")
    return f'{text[:-3]},\n "{FIELD}": "{hashlib.sha256(text.encode()).hexdigest()}"\n}}\n'


def without(data: bytes) -> bytes:
    """A file without the checksum that it holds; one that holds none as it is."""
    plain = data.replace(b"\r\n", b"\n") if b"\r" in data else data
    found = _ENTRY.search(plain, max(0, len(plain) - 200))
    return plain[: found.start()] + b"\n}\n" if found else data


def state(data: bytes) -> State:
    """Whether a file has the checksum that it holds; ``none`` where it holds none. Lines may end as on Windows.

    A file that was written anew by another program, with other spaces, has not.
    """
    return state_and_digest(data)[0]


def state_and_digest(data: bytes) -> tuple[State, str]:
    """The same, and the sha256 of the whole file with the ends of its lines as on Unix; its bytes are hashed once."""
    plain = data.replace(b"\r\n", b"\n") if b"\r" in data else data
    found = _ENTRY.search(plain, max(0, len(plain) - 200))
    if found is None:
        changed = _ANY.search(plain, max(0, len(plain) - 200))
        return "wrong" if changed else "none", hashlib.sha256(plain).hexdigest()
    own = hashlib.sha256(memoryview(plain)[: found.start()])
    whole = own.copy()
    own.update(b"\n}\n")
    whole.update(plain[found.start() :])
    return "right" if own.hexdigest().encode() == found[1] else "wrong", whole.hexdigest()
