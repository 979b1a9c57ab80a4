"""The libraries behind the extra ``text``: imported where they are used, refused in words where they are not there."""

from __future__ import annotations

import importlib
import os
from typing import Any

from dqbench.errors import UsageError

_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")


def load(module: str, extra: str = "text") -> Any:
    """A module of an extra; from then on nothing in this process asks a hub for models or data.

    Raises:
        UsageError: it is not installed; the message names the extra.
    """
    for name in _OFFLINE:
        os.environ.setdefault(name, "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"this needs {error.name or module}; run: pip install 'dqbench[{extra}]'") from error
