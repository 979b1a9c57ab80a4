"""``--method replay:FILE``: the method ``replay`` with the lists that it replays."""

from __future__ import annotations

from collections.abc import Sequence

_REPLAY = "replay:"


def replayed(methods: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names of methods with ``replay`` in place of each ``replay:FILE``, and what ``--set`` says of the files.

    Several files are a sweep.
    """
    files = [name.removeprefix(_REPLAY) for name in methods if name.startswith(_REPLAY)]
    names = dict.fromkeys("replay" if name.startswith(_REPLAY) else name for name in methods)
    return list(names), [f"replay.file={','.join(files)}"] if files else []
