"""How Sphinx builds the documentation; ``tox -e docs`` runs it offline, with every warning an error."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

import dqbench

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

project = "dqbench"
author = "The dqbench developers"
release = dqbench.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "dqbench"
html_show_sphinx = False
templates_path: list[str] = []
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"
add_module_names = False
copybutton_exclude = ".linenos, .gp, .go"
suppress_warnings = ["myst.header", "config.cache"]


def setup(app: Sphinx) -> None:
    """Reference pages and figures are made before each build."""
    app.connect("builder-inited", _make)
    app.connect("autodoc-process-docstring", _plain_bars)


def _make(app: Sphinx) -> None:
    from figures import draw, draw_boards
    from reference_pages import write

    write(HERE / "reference" / "generated", HERE.parent / "leaderboards")
    draw(HERE / "explanation" / "generated")
    draw_boards(HERE / "how-to" / "generated")


def _plain_bars(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Bars in docstrings are norms and sizes; reStructuredText would take them for substitutions."""
    lines[:] = [line.replace("|", r"\|") for line in lines]
