"""YAML files that users write: a value for each key, each key once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dqbench.errors import UsageError


def read(path: Path, what: str) -> dict[str, Any]:
    """The values in a file by their keys; none where it holds no mapping.

    Args:
        path: the file.
        what: what it is to users, e.g. ``config file``.

    Raises:
        UsageError: it cannot be read, is no YAML, or has a key twice.
    """
    import yaml

    try:
        text = path.expanduser().read_text(encoding="utf-8")
        _refuse_twice(text, path)
        values = yaml.load(text, _loader())
    except OSError as error:
        raise UsageError(f"{what} {path} cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{what} {path} is no YAML: {error}") from error
    return {str(key): value for key, value in values.items()} if isinstance(values, dict) else {}


def _refuse_twice(text: str, path: Path) -> None:
    """PyYAML would take the last of two equal keys without a word."""
    import yaml

    node = yaml.compose(text, Loader=yaml.SafeLoader)
    keys = [str(key.value).replace("_", "-") for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise UsageError(f"{path}: {twice[0]} is there twice; give it once")


def _loader() -> Any:
    """YAML's safe loader, but 5:10 is the text that it is, not the number 310 to the base of 60."""
    import yaml

    loader: Any = type("Loader", (yaml.SafeLoader,), {})
    for tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
        usual = yaml.SafeLoader.yaml_constructors[tag]
        loader.add_constructor(tag, lambda at, node, of=usual: node.value if ":" in node.value else of(at, node))
    return loader
