"""The conformance kit that a plugin author runs: ``@pytest.mark.parametrize("check", checks("my-method"))``.

``task_checks``, ``arch_checks`` and ``dataset_checks`` do the same for tasks, architectures and data sets.
"""

from __future__ import annotations

from dqbench.testing.checks import Check, checks, trial
from dqbench.testing.parts import arch_checks, dataset_checks, task_checks

__all__ = ["Check", "arch_checks", "checks", "dataset_checks", "task_checks", "trial"]
