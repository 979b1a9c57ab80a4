"""Claims held against made records: each verdict, what cannot be judged, and how often chance would confirm one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqbench import records as record_files
from dqbench.board import claim_words, files, markdown
from dqbench.board.board import Board
from dqbench.board.published import Published
from dqbench.board.reading import entries_of
from dqbench.board.statistics import t_quantile
from dqbench.board.verdicts import Judged, above_verdict, judge, judge_all, together
from dqbench.claims import Claim
from dqbench.cli import main
from dqbench.power import power, seeds_for_width
from dqbench.records import Record, SeedPlan

MakeRecord = Callable[..., Record]
SPREAD = (-0.5, 0.3, 0.4, -0.4, 0.2)
"""Of paired differences: mean 0, standard deviation 0.42, half-width of the 95 % interval 0.52."""

HALF = 0.5179


def claim(*comparisons: dict[str, Any], **more: Any) -> Claim:
    source = {"paper": "dq-iccv2023", "place": "Table 1", "printed": "2 vs 1"}
    facts = {"name": "the-claim", "words": "It is so", "source": source, "task": "cifar10-xarch"}
    return Claim.model_validate({**facts, "comparisons": comparisons, **more})


def over_random(**relation: float) -> Claim:
    return claim({"this": "dq", "that": "random", "keep": 0.1, **relation})


def _boards(found: Iterable[Record]) -> dict[str, list[Board]]:
    return files.boards(entries_of(found))


def _board(found: Iterable[Record]) -> Board:
    ((board,),) = _boards(found).values()
    return board


Scores = Sequence[float]


@pytest.fixture
def pair(make: MakeRecord) -> Callable[..., Board]:
    """A board of dq and random whose paired differences have this mean."""

    def made(mean: float, spread: Scores = SPREAD, **more: Any) -> Board:
        base = [50.0 + 3 * i for i in range(len(spread))]
        dq = [b + mean + s for b, s in zip(base, spread, strict=True)]
        asked = {"profile": "proxy", **more}
        return _board([make("random", 0.1, base, **asked), make("dq", 0.1, dq, **asked)])

    return made


@pytest.mark.parametrize(
    ("mean", "relation", "verdict"),
    [
        (1.0, {"above": 0}, "confirmed"),
        (1.0, {"above": 1.2}, "confirmed"),
        (1.0, {"above": 1.6}, "smaller than claimed"),
        (0.1, {"above": 1.6}, "smaller than claimed"),
        (0.1, {"above": 0}, "undecided"),
        (0.4, {"above": 0.9}, "undecided"),
        (-1.0, {"above": 0}, "refuted"),
        (-1.0, {"above": 2}, "refuted"),
        (0.0, {"not_below": 0.5}, "confirmed"),
        (-0.2, {"not_below": 0.5}, "undecided"),
        (-2.0, {"not_below": 0.5}, "refuted"),
        (5.0, {"not_below": 0.5}, "confirmed"),
        (0.0, {"alike_within": 0.5}, "confirmed"),
        (0.3, {"alike_within": 0.5}, "undecided"),
        (2.0, {"alike_within": 0.5}, "refuted"),
        (-2.0, {"alike_within": 0.5}, "refuted"),
    ],
)
def test_each_verdict_comes_from_the_interval(
    pair: Callable[..., Board], mean: float, relation: dict[str, float], verdict: str
) -> None:
    judged = judge(over_random(**relation), pair(mean))
    (finding,) = judged.findings
    assert judged.verdict == verdict
    assert finding.mean == pytest.approx(mean)
    level = 0.975 if "above" in relation else 0.95
    assert finding.high - finding.mean == pytest.approx(t_quantile(level, 5) * np.std(SPREAD, ddof=1) / 5**0.5)
    assert finding.networks == ("resnet10-slim",)


def test_the_four_verdicts_share_out_all_intervals() -> None:
    """Each of them exactly where its definition, written out, says so."""
    for claimed in (0.0, 1.5):
        for low in np.linspace(-3, 3, 25):
            for high in np.linspace(low, 3, 25):
                true = [
                    verdict
                    for verdict, holds in (
                        ("refuted", high <= 0),
                        ("smaller than claimed", 0 < high < claimed),
                        ("confirmed", low > 0 and high >= claimed),
                        ("undecided", low <= 0 < high and high >= claimed),
                    )
                    if holds
                ]
                assert true == [above_verdict(low, high, claimed)]


def test_a_claim_of_several_comparisons_is_as_good_as_the_worst() -> None:
    order = ["refuted", "undecided", "smaller than claimed", "confirmed"]
    for a in order:
        for b in order:
            assert together([a, b]) == order[min(order.index(a), order.index(b))]  # type: ignore[list-item]


def test_several_comparisons_share_the_level(make: MakeRecord) -> None:
    base = [50.0 + 3 * i for i in range(5)]
    found = [make("random", 0.1, base, profile="proxy")]
    found += [
        make(m, 0.1, [b + 0.6 + s for b, s in zip(base, SPREAD, strict=True)], profile="proxy") for m in ("dq", "adq")
    ]
    single = {"this": "dq", "that": "random", "keep": 0.1, "above": 0}
    assert judge(claim(single), _board(found)).verdict == "confirmed"
    both = judge(claim(single, {**single, "this": "adq"}), _board(found))
    assert both.verdict == "undecided", "97.5 % intervals"
    assert both.findings[0].high - 0.6 == pytest.approx(t_quantile(0.9875, 5) * np.std(SPREAD, ddof=1) / 5**0.5)


def test_undecided_names_the_seeds_that_would_decide(pair: Callable[..., Board]) -> None:
    sd = float(np.std(SPREAD, ddof=1))
    sized = judge(over_random(above=0.9), pair(0.4))
    assert sized.seeds == seeds_for_width(0.9, sd)
    assert f"About {sized.seeds} seeds would decide it." in claim_words.sentence(sized)
    for seeds in (sized.seeds or 0, (sized.seeds or 0) - 1):
        width = 2 * t_quantile(0.975, seeds) * sd / seeds**0.5
        assert (width < 0.9) == (seeds == sized.seeds), "the fewest whose interval cannot hold both 0 and the size"
    direction = judge(over_random(above=0), pair(0.1))
    assert direction.seeds is not None
    assert power(0.1, sd, direction.seeds) >= 0.8 > power(0.1, sd, direction.seeds - 1)
    hopeless = judge(over_random(above=0), pair(0.0001))
    assert hopeless.seeds is None
    assert "More than 10,000 seeds" in claim_words.sentence(hopeless)


def test_chance_confirms_no_more_than_its_level() -> None:
    rng = np.random.default_rng(5)
    draws = rng.normal(0, 1, (4000, 5))
    half = t_quantile(0.975, 5) * draws.std(axis=1, ddof=1) / 5**0.5
    verdicts = [above_verdict(m - h, m + h, 0) for m, h in zip(draws.mean(axis=1), half, strict=True)]
    assert 0.015 < verdicts.count("confirmed") / 4000 < 0.035, "2.5 % on each side"
    assert 0.015 < verdicts.count("refuted") / 4000 < 0.035


def test_too_few_seeds_decide_nothing_and_other_profiles_do_not_count(pair: Callable[..., Board]) -> None:
    few = judge(over_random(above=0), pair(9.0, (0.1, 0.2, 0.3, -0.1)))
    assert (few.verdict, few.why) == ("undecided", "4 tested seeds; a claim needs 5")
    for profile in ("quick", "smoke"):
        (judged,) = judge_all([over_random(above=0)], {"cifar10-xarch": [pair(9.0, profile=profile)]})
        assert (judged.verdict, judged.why) == ("not measured", "cifar10-xarch was not run at paper or proxy")


def test_seeds_that_are_no_whole_block_decide_nothing(make: MakeRecord) -> None:
    plan = {"planned": SeedPlan(seeds=10, blocks=2)}
    found = [
        make(method, 0.1, [score + i / 10 for i in range(7)], profile="proxy").model_copy(update=plan)
        for method, score in (("random", 50.0), ("dq", 51.0))
    ]
    judged = judge(over_random(above=0), _board(found))
    assert "over seeds 0–4 of 10 planned" in claim_words.sentence(judged)
    short = [record for record in found if record.cell.method == "random"]
    short += [make("dq", 0.1, [60.0] * 4, profile="proxy").model_copy(update=plan)]
    assert judge(over_random(above=0), _board(short)).verdict == "not measured"


@pytest.mark.parametrize(
    ("comparison", "why"),
    [
        ({"this": "adq", "that": "random", "keep": 0.1, "above": 0}, "adq at keep 0.1: no such row"),
        ({"this": "dq", "that": "random", "keep": 0.2, "above": 0}, "dq at keep 0.2 is not measured on resnet10-slim"),
        ({"this": "dq", "that": "full", "keep": 0.1, "above": 0}, "full: no such row"),
        ({"this": {"method": "dq", "set": {"bins": 5}}, "that": "dq", "keep": 0.1, "above": 0}, "no such row"),
        ({"this": "dq", "that": "random", "keep": 0.1, "network": "all", "above": 0}, "1 such network; it takes 2"),
        ({"this": "dq", "that": "random", "keep": 0.1, "network": "unseen", "above": 0}, "0 such networks; it takes 1"),
        (
            {"this": "dq", "that": "random", "keep": 0.1, "network": "vit", "above": 0},
            "vit is no network of this board",
        ),
    ],
)
def test_what_is_not_measured_says_what_is_missing(
    pair: Callable[..., Board], comparison: dict[str, Any], why: str
) -> None:
    judged = judge(claim(comparison), pair(1.0))
    assert judged.verdict == "not measured"
    assert why in judged.why


def test_variants_observers_and_networks_are_told_apart(make: MakeRecord) -> None:
    def row(method: str, score: float, arch: str = "resnet10-slim", **more: Any) -> Record:
        return make(method, 0.1, [score + s for s in SPREAD], arch, profile="proxy", **more)

    found = [
        row("random", 50.0),
        row("dq", 51.0),
        row("dq", 57.0, config={"bins": 5}, variant="bins=5"),
        row("dq", 53.0, observer_arch="vit"),
        row("adq", 55.0),
        *(row(m, s, arch) for arch in ("vit", "swin") for m, s in (("random", 40.0), ("dq", 43.0))),
    ]
    board = _board(found)

    def mean(this: Any, that: Any, **more: Any) -> float:
        return judge(claim({"this": this, "that": that, "keep": 0.1, "above": 0, **more}), board).findings[0].mean

    assert mean("dq", "random") == pytest.approx(1.0), "the default, seen through the observer of most rows"
    assert mean({"method": "dq", "set": {"bins": 5}}, "dq") == pytest.approx(6.0)
    assert mean({"method": "dq", "observer": "vit"}, "dq", network="resnet10-slim") == pytest.approx(2.0)
    assert mean("dq", "random", network="unseen") == pytest.approx(3.0)
    assert mean("dq", "random", network="all") == pytest.approx((1 + 3 + 3) / 3)
    fall = {"this": {"method": "random", "network": "observer"}, "that": {"method": "random", "network": "unseen"}}
    own = {"method": "dq", "network": "observer"}, {"method": "dq", "network": "unseen"}
    assert mean(*own) == pytest.approx(51.0 - 43.0)
    assert mean(*own, net_of=fall) == pytest.approx((51.0 - 43.0) - (50.0 - 40.0))


def test_nothing_is_judged_where_nothing_was_learned(make: MakeRecord) -> None:
    found = [make(m, 0.1, [10.0 + s for s in SPREAD], profile="proxy") for m in ("full", "random", "dq")]
    judged = judge(over_random(above=0), _board(found))
    assert (judged.verdict, judged.why) == ("not measured", "nothing was learned at this scale")


def test_claimed_rows_confirm_nothing(make: MakeRecord) -> None:
    dq = make("dq", 0.1, [60.0 + s for s in SPREAD], profile="proxy").model_copy(update={"trust": "claimed"})
    board = _board([make("random", 0.1, [50.0] * 5, profile="proxy"), dq])
    assert judge(over_random(above=0), board).why == "dq at keep 0.1: no such row"


# Words.


def test_the_sentence_has_source_verdict_numbers_and_size(pair: Callable[..., Board]) -> None:
    judged = judge(over_random(above=1.6), pair(1.0))
    assert claim_words.sentence(judged) == (
        "It is so (dq-iccv2023, Table 1): smaller than claimed at proxy, over seeds 0–4: dq at keep 0.1 − random at "
        "keep 0.1 is +1.0 [+0.5, +1.5] points on resnet10-slim, claimed above by 1.6."
    )
    facts = claim_words.facts(judged)
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["verdict"], facts["seeds"], facts["source"]["printed"]) == (
        "smaller than claimed", [0, 1, 2, 3, 4], "2 vs 1",
    )  # fmt: skip


def test_boards_and_pages_have_the_same_sentence(pair: Callable[..., Board], tmp_path: Path) -> None:
    board = pair(1.0)
    found = judge_all(
        [over_random(above=0), claim({"this": "adq", "that": "dq", "keep": 0.1, "above": 0})],
        {"cifar10-xarch": [board]},
    )
    text = markdown.document("cifar10-xarch", [board], Published((), (), (), {}), found)
    said = claim_words.sentence(found[0])
    assert f"### Claims\n\n- {said}" in text.replace("\\", "")
    page = claim_words.page(found)
    assert said in page.replace("\\", "")
    assert "2 verdicts: 1 confirmed and 1 not measured." in page
    assert "- adq at keep 0.1: no such row: the-claim." in page
    assert "### Claims" not in markdown.document("cifar10-xarch", [board], Published((), (), (), {}), [])


@pytest.fixture
def place(make: MakeRecord, tmp_path: Path) -> Path:
    """Records of dq above random, by proxy, in a folder of their own."""
    base = [50.0 + 3 * i for i in range(5)]
    for method, lift in (("random", 0.0), ("dq", 2.0)):
        scores = [b + lift + (s if lift else 0) for b, s in zip(base, SPREAD, strict=True)]
        record_files.write(make(method, 0.1, scores, profile="proxy"), tmp_path / "records")
    return tmp_path / "records"


def test_the_command_prints_verdicts(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "--records", str(place), "--json"]) == 0
    answer = {one["claim"]: one for one in json.loads(capsys.readouterr().out)}
    assert answer["dq-over-random-10"]["verdict"] == "confirmed"
    assert answer["dq-over-random-20"]["verdict"] == "not measured"
    assert main(["claims", "--records", str(place), "--profile", "proxy"]) == 0
    out = capsys.readouterr().out
    assert answer["dq-over-random-10"]["sentence"] in out
    assert main(["claims", "--records", str(place), "--task", "cifar10-xarchs"]) == 2
    assert "did you mean cifar10-xarch?" in capsys.readouterr().err


def test_a_wrong_claim_stops_the_command_and_is_left_out_of_boards(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.yaml").write_text(
        "format: 1\nclaims: [{name: mine, words: it is, source: {paper: p, place: t}, task: cifar10-xarch, "
        "comparisons: [{this: dqq, that: random, keep: 0.1, above: 0}]}]\n"
    )
    plugin = tmp_path / "wrong_claims_plugin.py"
    plugin.write_text(
        "from pathlib import Path\nfrom dqbench import hookimpl\n@hookimpl\ndef dqbench_claims():\n"
        "    yield Path(__file__).with_name('mine.yaml')\n"
    )
    assert main(["claims", "--records", str(place), "--plugin", str(plugin)]) == 2
    assert "claim mine: unknown method 'dqq'; did you mean dq?" in capsys.readouterr().err
    out = tmp_path / "boards"
    words = ["leaderboard", "--records", str(place), "--out", str(out), "--no-html"]
    assert main([*words, "--plugin", str(plugin)]) == 0
    assert "claims are left out: claim mine" in capsys.readouterr().err
    page = (out / "claims.md").read_text()
    assert "## Confirmed" in page
    assert "[What papers claim]" not in page
    assert "(claims.md): 1 confirmed and" in (out / "README.md").read_text()
    assert main([*words, "--check"]) == 0
    assert "### Claims" in (out / "cifar10-xarch.md").read_text()


def test_a_claim_that_changes_makes_the_boards_stale(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "boards"
    first = files.generate(place, claims=[over_random(above=0)])
    files.write(first, out)
    assert files.generate(place, out=out, claims=[over_random(above=0)]) == first
    again = files.generate(place, out=out, claims=[over_random(above=9)])
    assert again["claims.md"] != first["claims.md"]
    assert "smaller than claimed" in again["claims.md"]
    none = files.generate(place, out=out)
    assert {d.name: d.what for d in files.write(none, out)}["claims.md"] == "extra"


def test_judged_once_for_each_board(pair: Callable[..., Board]) -> None:
    boards = [pair(1.0), pair(-1.0, profile="paper")]
    found: list[Judged] = judge_all([over_random(above=0)], {"cifar10-xarch": boards})
    assert [(one.setting.profile, one.verdict) for one in found if one.setting] == [
        ("proxy", "confirmed"),
        ("paper", "refuted"),
    ]
