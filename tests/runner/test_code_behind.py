"""The code behind a cell: of its method and of all those that it starts from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dqbench import plugins
from dqbench.registry import Registry
from dqbench.runner.versions import code_behind


@pytest.mark.parametrize(
    ("method", "config", "behind"),
    [
        ("ccs", {"base": "margin"}, {"method ccs", "method margin"}),
        ("d2", {"base": "grand"}, {"method d2", "method grand"}),
        ("adq-shuffled", {"bins": 10}, {"method adq-shuffled", "method adq", "method dq"}),
        ("dq", {"bins": 10}, {"method dq"}),
        ("dq", {"base": "d2"}, {"method dq", "method d2", "method el2n"}),
        ("adq", {"base": "herding"}, {"method adq", "method dq", "method herding"}),
        ("margin", {"scope": "class"}, {"method margin"}),
    ],
)
def test_it_is_that_of_what_a_method_wraps_or_builds_on(
    method: str, config: dict[str, Any], behind: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Registry, "code", lambda self, spec: f"code of {spec.name}")
    cell: Any = SimpleNamespace(
        task="digits-xarch",
        profile="smoke",
        method=method,
        config=config,
        arch="digits-mlp",
        observer_arch=None,
        teacher_arch=None,
    )
    found = code_behind(plugins.load(), cell)
    assert {name for name in found if name.startswith("method ")} == behind
