"""What a method's options are to jobs and records."""

from __future__ import annotations

from pydantic import Field

from dqbench import ADDED_LATER, Config


class _Options(Config):
    bins: int = 10
    smooth: bool = Field(False, json_schema_extra=ADDED_LATER)


def test_an_option_added_later_is_stated_where_it_is_not_at_its_default() -> None:
    assert _Options().stated() == {"bins": 10}
    assert _Options(smooth=True).stated() == {"bins": 10, "smooth": True}
    assert _Options.model_validate(_Options(bins=3).stated()) == _Options(bins=3)
