"""The conformance kit that a plugin author runs: ``@pytest.mark.parametrize("check", checks("my-method"))``."""

from __future__ import annotations

from dqbench.testing.checks import Check, checks, trial

__all__ = ["Check", "checks", "trial"]
