"""From a grid to a graph of jobs, to a scheduler and executors, to records.

``dqbench.run`` is also what users call: importing any module of this package puts the package there, in place of
:func:`dqbench.api.run`, so the package answers calls itself.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallableRoom(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """:func:`dqbench.api.run`."""
        from dqbench.api import run

        return run(*arguments, **options)


sys.modules[__name__].__class__ = _CallableRoom
