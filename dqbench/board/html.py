"""The page: one HTML file for all boards that opens offline and asks no network for anything."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files
from typing import Any

from dqbench.board.html_library import Library

GENERATED = "<!-- Made by dqbench leaderboard from the records; do not edit. -->"

SCRIPTS = (
    "dom.js",
    "store.js",
    "overview.js",
    "sorting.js",
    "tables.js",
    "plots.js",
    "charts.js",
    "forest.js",
    "cell.js",
    "main.js",
)
"""Joined in this order into one script."""

_MARKER = re.compile(r"\{\{(\w+)\}\}")


def render(content: dict[str, Any], library: Library) -> str:
    """The page that shows ``content`` (from :func:`dqbench.board.html_payload.payload`)."""
    script = _script()
    parts = {
        "generated": GENERATED,
        "policy": _policy(script, library),
        "style": _read("style.css"),
        "data": embedded(content),
        "library": library.block,
        "script": script,
    }
    return _MARKER.sub(lambda found: parts[found[1]], _read("index.html"))


def embedded(content: Any) -> str:
    """JSON that can stand inside a ``<script>``: without ``<``, ``>`` and ``&``, in ASCII."""
    words = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return words.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(script: str, library: Library) -> str:
    """The content security policy: these two scripts, inline styles and inline images; no network at all."""
    own = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{own}' 'sha256-{library.digest}'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _script() -> str:
    return '"use strict";\n(() => {\n' + "\n".join(_read(name) for name in SCRIPTS) + "})();\n"


def _read(name: str) -> str:
    return (files("dqbench.board") / "page" / name).read_text(encoding="utf-8")
