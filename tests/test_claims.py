"""Claims as they are written down: what a file must be, and that its cells can exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dqbench import claims, plugins
from dqbench.board import published
from dqbench.claims import Cells, Claim
from dqbench.errors import UsageError
from dqbench.plan.claimed_cells import check, known
from dqbench.plugins import Registry
from dqbench.specs import Budget

GOOD: dict[str, Any] = {
    "name": "dq-first",
    "words": "DQ is first",
    "source": {"paper": "dq-iccv2023", "place": "Table 2b"},
    "task": "cifar10-xarch",
    "comparisons": [{"this": "dq", "that": "random", "keep": 0.1, "above": 0}],
}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return plugins.load()


def _write(folder: Path, *found: dict[str, Any], name: str = "claims.yaml") -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump({"format": 1, "claims": list(found)}))
    return path


def _with(**comparison: Any) -> dict[str, Any]:
    return {**GOOD, "comparisons": [comparison]}


def test_sides_take_the_budget_and_networks_of_their_comparison(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        _with(
            this={"method": "dq", "network": "unseen"},
            that={"method": "dq", "keep": 0.3},
            net_of={"this": "full", "that": "random"},
            keep=0.1,
            network="all",
            above=1.5,
        ),
    )
    ((comparison,),) = [claim.comparisons for claim in claims.read(path)]
    assert (comparison.this.budget, comparison.that.budget) == (Budget.ratio(0.1), Budget.ratio(0.3))
    assert (comparison.this.network, comparison.that.network) == ("unseen", "all")
    assert comparison.net_of is not None
    assert comparison.net_of.this.budget == Budget.full()
    assert comparison.net_of.that.budget == Budget.ratio(0.1)
    assert (comparison.relation, comparison.points, len(comparison.sides)) == ("above", 1.5, 4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            _with(this="dq", that="random", keep=0.1),
            "claim dq-first.comparisons.0: a comparison has exactly one of above",
        ),
        (_with(this="dq", that="random", keep=0.1, above=0, not_below=1), "exactly one of above, not_below"),
        (_with(this="dq", that="random", above=0), "dq must have one budget"),
        (_with(this="dq", that="random", keep=0.1, ipc=10, above=0), "dq must have one budget"),
        (_with(this="dq", that={"method": "full", "keep": 0.1}, keep=0.1, above=0), "full must have no budget"),
        (_with(this="dq", that="random", keep=0.1, above=-1), "greater than or equal to 0"),
        (_with(this="dq", that="random", keep=0.1, alike_within=0), "greater than 0"),
        (_with(this="dq", that="random", keep=0.1, over=1), "Extra inputs are not permitted"),
        ({**GOOD, "name": "DQ First"}, "claim DQ First.name"),
        ({**GOOD, "labels": "firm"}, "claim dq-first.labels"),
        ({**GOOD, "comparisons": []}, "at least 1 item"),
        ({key: value for key, value in GOOD.items() if key != "source"}, "claim dq-first.source: Field required"),
    ],
)
def test_what_does_not_fit_the_schema_is_named_with_its_claim(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        claims.read(_write(tmp_path, change))
    assert words in str(caught.value)
    assert "claims.yaml" in str(caught.value)


@pytest.mark.parametrize("text", ["claims: [", "a", "- 1", "format: 2\nclaims: []", "\x00"])
def test_what_is_no_file_of_claims_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"claims\.yaml"):
        claims.read(path)
    with pytest.raises(UsageError, match="cannot be read"):
        claims.read(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({**GOOD, "task": "cifar10-xarchs"}, "unknown task 'cifar10-xarchs'; did you mean cifar10-xarch?"),
        ({**GOOD, "profiles": ["papers"]}, "did you mean paper?"),
        (
            {**GOOD, "labels": "soft", "comparisons": [{"this": "longest", "that": "random", "ipc": 1, "above": 0}]},
            "no sets with soft labels",
        ),
        (_with(this="dqq", that="random", keep=0.1, above=0), "unknown method 'dqq'; did you mean dq?"),
        (_with(this="dq", that="random", keep=1.5, above=0), "keep ratio 1.5 is not in (0, 1]"),
        (_with(this="dq", that="random", ipc=5001, above=0), "ipc 5001 is more than cifar10 has"),
        (_with(this="dq", that="random", ipc=0, above=0), "ipc 0 is below 1"),
        (_with(this={"method": "dq", "set": {"bin": 5}}, that="random", keep=0.1, above=0), "did you mean bins?"),
        (_with(this={"method": "dq", "set": {"bins": 0}}, that="random", keep=0.1, above=0), "bins=0"),
        (_with(this={"method": "full", "set": {"bins": 1}}, that="full", above=0), "full has no options"),
        (_with(this="dq", that="random", keep=0.1, network="resnet19", above=0), "did you mean resnet18"),
        (_with(this="dq", that="random", keep=0.1, network="digits-mlp", above=0), "not the 32 px of cifar10-xarch"),
        (_with(this={"method": "random", "observer": "resnet18"}, that="dq", keep=0.1, above=0), "no observer"),
        (_with(this={"method": "dq", "set": {"fill": "zero"}}, that="dq", keep=0.1, above=0), "no patch is dropped"),
    ],
)
def test_cells_that_cannot_exist_are_named_with_their_claim(
    registry: Registry, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=r"^claim dq-first: ") as caught:
        check([Claim.model_validate(change)], registry)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_claims_of_one_name_are_refused(registry: Registry, tmp_path: Path) -> None:
    two = Registry(registry.methods, registry.tasks, registry.datasets, registry.archs)
    two.claims = [_write(tmp_path, GOOD), _write(tmp_path, GOOD, name="more.yaml")]
    with pytest.raises(UsageError, match=r"claim dq-first of .*more\.yaml is there already"):
        known(two)
    said: list[str] = []
    assert [claim.name for claim in known(two, said.append)] == ["dq-first"]
    assert len(said) == 1
    assert "more.yaml" in said[0]


def test_a_plugins_claims_come_in_by_its_hook(tmp_path: Path) -> None:
    _write(tmp_path, GOOD, name="mine.yaml")
    plugin = tmp_path / "claims_test_plugin.py"
    plugin.write_text(
        "from pathlib import Path\nfrom dqbench import hookimpl\n@hookimpl\ndef dqbench_claims():\n"
        "    yield Path(__file__).with_name('mine.yaml')\n"
    )
    names = [claim.name for claim in known(plugins.load([plugin]))]
    assert names[-1] == "dq-first"
    assert len(names) > 1, "after dqbench's own"
    plugin.write_text("from dqbench import hookimpl\n@hookimpl\ndef dqbench_claims():\n    yield 5\n")
    with pytest.raises(plugins.PluginError, match="yields 5, which is no file of claims"):
        plugins.load([plugin])


def test_the_claims_of_the_papers_can_exist_and_name_papers_that_are_published(registry: Registry) -> None:
    found = known(registry)
    assert len(found) >= 30
    assert {claim.source.paper for claim in found} <= set(published.load().papers)


def test_sizes_are_differences_of_the_numbers_in_the_published_tables(registry: Registry) -> None:
    """Where both sides are printed in the table that a claim names, on one network or as their average."""
    printed = {
        (r.paper, r.table, r.method, r.arch, r.budget): r.value
        for r in published.load().results
        if r.task == "cifar10-xarch"
    }
    checked = []
    for claim in known(registry):
        for comparison in claim.comparisons:
            table = claim.source.place.partition(",")[0]
            arch = {"all": "average", "observer": "resnet18"}.get(comparison.network, comparison.network)
            for places in ((table, table), ("Table 2b", "Table 2a")):
                sides = zip(places, (comparison.this, comparison.that), strict=True)
                keys = [(claim.source.paper, place, _as_printed(side), arch, side.budget) for place, side in sides]
                if comparison.points and not comparison.net_of and all(key in printed for key in keys):
                    assert comparison.points == pytest.approx(printed[keys[0]] - printed[keys[1]], abs=0.051), (
                        claim.name
                    )
                    checked.append(claim.name)
    assert {"adq-over-dq-10", "adq-over-dq-20", "adq-over-dq-30", "adq-over-dq-average-10"} <= set(checked)
    assert {"dq-over-dm-10", "dm-over-random-10", "dq-gradcam-over-random-patches-10"} <= set(checked)
    own, full = [[printed["dq-iccv2023", "Table 2a", m, arch, b] for arch in ARCHS] for m, b in FALLS]
    fall = (own[0] - sum(own[1:]) / 4) - (full[0] - sum(full[1:]) / 4)
    (claim,) = [claim for claim in known(registry) if claim.name == "dm-falls-on-unseen-10"]
    assert claim.comparisons[0].points == pytest.approx(fall, abs=0.051)


def _as_printed(side: Cells) -> str:
    return "dq-random-patches" if side.options.get("importance") == "random" else side.method


ARCHS = ("resnet18", "resnet50", "vit", "swin", "convnext")
FALLS = (("dm", Budget.ratio(0.1)), ("full", Budget.full()))
