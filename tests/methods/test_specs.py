"""What the built-in methods tell about themselves, without torch or NumPy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dqbench import plugins
from dqbench.specs import load_target

METHODS = [s for s in plugins.load().methods if s.target.startswith("dqbench.methods")]


@pytest.mark.parametrize("spec", METHODS, ids=lambda spec: spec.name)
def test_spec_and_class_agree(spec):
    method = load_target(spec.target)(spec.config())
    assert hasattr(method, "prepare") == spec.prepares
    assert set(spec.compress_only) <= set(spec.config.model_fields)
    assert all(field.description for field in spec.config.model_fields.values())
    assert spec.summary
    if spec.builds_on:
        base = next(s for s in METHODS if s.name == spec.builds_on)
        assert set(base.config.model_fields) <= set(spec.config.model_fields)


def test_specs_and_configs_load_neither_torch_nor_numpy():
    code = (
        "import sys; from dqbench.methods import dqbench_methods; [s.config() for s in dqbench_methods()];"
        "sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
