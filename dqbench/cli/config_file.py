"""``--config grid.yaml``: options from a file, by the names that they have on the command line, which wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from dqbench import yaml_files
from dqbench.errors import UsageError, unknown_name


def use_config(ctx: typer.Context, path: Path | None) -> Path | None:
    """Make the values in the file the defaults of the command's options; an eager callback of ``--config``.

    Raises:
        UsageError: the file cannot be read or is no mapping, or has an unknown key or a value of the wrong kind.
    """
    if path is not None:
        options = {_key(option): option for option in ctx.command.params if option.name not in ("config", "help")}
        values = _read(path)
        ctx.obj.plugin_files += tuple(Path(str(file)) for file in _listed(values.pop("plugin", [])))
        for key in values:
            if key not in options:
                raise unknown_name(f"key in {path}:", key, [*options, "plugin"])
        ctx.default_map = {str(options[key].name): _fitting(options[key], key, values[key], path) for key in values}
    return path


def _key(option: Any) -> str:
    return str(max(option.opts, key=len).lstrip("-"))


def _read(path: Path) -> dict[str, Any]:
    values = {key.replace("_", "-"): value for key, value in yaml_files.read(path, "config file").items()}
    if not values:
        raise UsageError(f"config file {path} holds no options; write a line for each, e.g. task: digits-xarch")
    return values


def _fitting(option: Any, key: str, value: Any, path: Path) -> Any:
    """The value in the form in which the parser takes defaults."""
    parts = _listed(value)
    if not parts or any(part in (None, "") or isinstance(part, dict | list) for part in parts):
        raise UsageError(f"{path}: {key}: {value!r} is no value of --{key}")
    if getattr(option, "is_flag", False) and not isinstance(value, bool):
        raise UsageError(f"{path}: {key}: {value!r} is neither true nor false")
    if option.multiple:
        return [str(part) for part in parts]
    if isinstance(value, list):
        if key not in ("gpus", "seeds"):
            raise UsageError(f"{path}: {key} takes one value, not {len(value)}")
        return ",".join(map(str, value))
    return value if isinstance(value, bool) else str(value)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
