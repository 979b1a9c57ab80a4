"""Sets that users give: what files hold, what is refused, and rows of their own beside random."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dqbench import given, plugins
from dqbench.cli import main
from dqbench.data import given_sets, store
from dqbench.data.given_images import pack
from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.plan.given_budget import budget_of

GRID = ["--task", "digits-xarch", "--arch", "digits-mlp", "--seeds", "2", "--profile", "smoke", "--device", "cpu"]
GRID += ["--set", "recipe.epochs=1"]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """The training set of digits, in a data folder of this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQBENCH_DATA", str(tmp_path_factory.mktemp("given-data")))
        store.fetch(plugins.load().datasets["digits"])
        yield store.open_train("digits")


def balanced(source: Source, per_class: int, start: int = 0) -> list[int]:
    labels = (source.ids[source.labels == label][start:] for label in range(source.classes))
    return [int(each) for ids in labels for each in ids[:per_class]]


def write(path: Path, ids: list[int]) -> Path:
    if path.suffix == ".npy":
        np.save(path, np.array(ids))
    elif path.suffix == ".json":
        path.write_text(json.dumps(ids))
    elif path.suffix == ".csv":
        path.write_text("position,id\n" + "\n".join(f"{place},{each}" for place, each in enumerate(ids)))
    else:
        path.write_text("# chosen by hand\n" + ", ".join(map(str, ids[:5])) + "\n" + "\n".join(map(str, ids[5:])))
    return path


def test_a_list_is_the_same_in_every_format(tmp_path: Path) -> None:
    ids = [7, 3, 11, 2, 40, 5, 6]
    found = {suffix: given.read(write(tmp_path / f"mine{suffix}", ids)) for suffix in (".txt", ".csv", ".json", ".npy")}
    assert {each.name for each in found.values()} == {"ids-mine"}
    assert len({each.content for each in found.values()}) == 1
    assert all(each.of(4).ids.tolist() == ids and each.of(4).weights is None for each in found.values())
    other = given.read(write(tmp_path / "mine.txt", ids[::-1]))
    assert other.content != found[".txt"].content


def test_lists_by_seed_and_weights(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"3": [1, 2], "4": [5, 6]}')
    np.save(tmp_path / "b.npy", np.array([[1, 2], [5, 6]]))
    (tmp_path / "c.csv").write_text("seed,id,weight\n3,1,1\n3,2,2.5\n4,5,1\n4,6,1\n")
    for name, seed in (("a.json", 3), ("b.npy", 0), ("c.csv", 3)):
        found = given.read(tmp_path / name)
        assert [found.of(seed + i).ids.tolist() for i in (0, 1)] == [[1, 2], [5, 6]]
        with pytest.raises(UsageError, match="has no list for seed 9"):
            found.of(9)
    weights = given.read(tmp_path / "c.csv").of(3).weights
    assert weights is not None
    assert weights.tolist() == [1, 2.5]
    assert given.method_of(given.read(tmp_path / "c.csv")).weighs


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "1 2 3 3 4 4 5", "ids 3, 4 are there more than once"),
        ("a.txt", "1 2.5", "'2.5' is no id"),
        ("a.txt", "# nothing", "holds no ids"),
        ("a.csv", "number\n1\n", "has no column id, but number"),
        ("a.csv", "id,seed\n1,0\n2,\n", "some rows have a seed and others have none"),
        ("a.csv", "id,weight\n1,-1\n", "weights are finite, not negative"),
        ("a.json", '{"0": [1, 2], "1": [3]}', "equally long; these are 2 for seed 0, 1 for seed 1"),
        ("a.json", "[1, true]", "True is no id"),
        ("a.json", "7", "neither a list of ids nor ids by seed"),
        ("a.json", "[1,", "a.json: "),
        ("a.npy", "no array", "a.npy: "),
        ("a.npz", "no archive", "holds no images and classes"),
    ],
)
def test_bad_files_are_refused(name: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=message):
        given.read(tmp_path / name)


def test_ids_and_classes_are_held_against_the_source(digits: Source, tmp_path: Path) -> None:
    far = given.read(write(tmp_path / "far.txt", [1, 5000, 6000]))
    with pytest.raises(UsageError, match=r"ids 5000, 6000 are not among the 1,297 training samples .* from 0 to 1296"):
        given_sets.check(far, digits, 0, "dataset")
    ids = balanced(digits, 5)
    assert given_sets.check(given.read(write(tmp_path / "equal.txt", ids)), digits, 0, "class")
    lopsided = given.read(write(tmp_path / "less.txt", ids[2:]))
    with pytest.raises(UsageError, match=r"less.txt is not balanced: it has 3 of class '0', whose share is 4\.7"):
        given_sets.check(lopsided, digits, 0, "class")
    assert not given_sets.check(lopsided, digits, 0, "dataset")


@pytest.mark.parametrize("share", [0.01, 0.1, 0.37, 0.9])
def test_shares_rounded_up_or_down_are_balanced(digits: Source, tmp_path: Path, share: float) -> None:
    counts = np.floor(digits.class_counts * share).astype(int)
    counts[::2] += 1
    ids = [int(i) for c in range(10) for i in digits.ids[digits.labels == c][: counts[c]]]
    found = given.read(write(tmp_path / "mine.txt", ids))
    given_sets.check(found, digits, 0, "class")
    budget = budget_of(found, "class", digits, digits.class_counts.tolist(), [0], [])
    total = budget.value * (10 if budget.kind == "ipc" else len(digits))
    assert round(total) == len(ids)


def folder_of(source: Source, folder: Path, side: int = 8, names: tuple[str, ...] | None = None) -> Path:
    for place in range(20):
        label = (names or source.class_names)[int(source.labels[place])]
        (folder / label).mkdir(parents=True, exist_ok=True)
        pixels = np.asarray(source.images[place])[..., 0]
        Image.fromarray(pixels).resize((side, side)).save(folder / label / f"{place}.png")
    return folder


def test_images_are_packed_as_they_are(digits: Source, tmp_path: Path) -> None:
    path = pack(folder_of(digits, tmp_path / "imgs"), tmp_path / "packed")
    found = given.read(path)
    assert (found.name, found.total) == ("images-imgs", 20)
    order = sorted(range(20), key=lambda place: (str(digits.labels[place]), f"{place}.png"))
    np.testing.assert_array_equal(given_sets.pixels_of(found, digits), digits.images[order])
    assert given_sets.labels_of(found, digits, 0).tolist() == digits.labels[order].tolist()


def test_images_of_other_sizes_and_classes_are_refused(digits: Source, tmp_path: Path) -> None:
    large = given.read(pack(folder_of(digits, tmp_path / "large", side=9), tmp_path))
    with pytest.raises(UsageError, match="9 × 9 px in gray, those of digits 8 × 8 px in gray"):
        given_sets.check(large, digits, 0, "dataset")
    strange = given.read(pack(folder_of(digits, tmp_path / "strange", names=tuple("abcdefghij")), tmp_path))
    with pytest.raises(UsageError, match="'a' is no class of digits; its classes are 0, 1, "):
        given_sets.check(strange, digits, 0, "dataset")
    Image.new("L", (5, 8)).save(tmp_path / "large" / "0" / "zz.png")
    with pytest.raises(UsageError, match=r"0/zz\.png is 5 × 8 px, 0/.* 9 × 9; all images have one size"):
        pack(tmp_path / "large", tmp_path)


def test_what_a_file_holds_is_its_methods_code(tmp_path: Path) -> None:
    hashes = []
    for ids in ([1, 2, 3], [1, 2, 4]):
        registry = plugins.load([write(tmp_path / "mine.txt", ids)])
        hashes.append(registry.code(registry.methods["ids-mine"]))
    assert hashes[0] != hashes[1]
    assert all(hashes)


def test_a_list_is_a_row_of_its_own_beside_random(
    digits: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, words = tmp_path / "mine.json", [*GRID, "--workspace", str(tmp_path / "out"), "--ids"]
    mine.write_text(json.dumps([balanced(digits, 5), balanced(digits, 5, start=5)]))
    assert main(["run", "--json", *words, str(mine)]) == 0
    records = {record["cell"]["method"]: record for record in json.loads(capsys.readouterr().out)}
    assert set(records) == {"full", "random", "ids-mine"}
    assert {record["cell"]["budget_value"] for name, record in records.items() if name != "full"} == {5.0}
    assert [run["samples"] for run in records["ids-mine"]["runs"]] == [50, 50]
    assert len({run["kept_hash"] for run in records["ids-mine"]["runs"]}) == 2
    assert records["ids-mine"]["command"].startswith("dqbench run --ids mine.json --task digits-xarch")
    assert main(["plan", "--json", *words, str(mine)]) == 0
    assert json.loads(capsys.readouterr().out)["jobs_to_do"] == {}
    mine.write_text(json.dumps([balanced(digits, 5, start=1), balanced(digits, 5, start=5)]))
    assert main(["plan", *words, str(mine)]) == 0
    assert "method ids-mine has changed since a cell was made; it is done again" in capsys.readouterr().err


def test_wrong_use_is_refused(digits: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lopsided, words = (
        write(tmp_path / "less.txt", balanced(digits, 5)[2:]),
        [*GRID, "--workspace", str(tmp_path / "out")],
    )
    for more, message in (
        (
            ["--ids", str(tmp_path / "recipe.yaml")],
            "recipe.yaml is none of .txt, .csv, .json, .npy, .npz and no folder",
        ),
        (["--ids", str(lopsided)], "score it as it is with --set ids-less.scope=dataset"),
        (["--ids", str(tmp_path / "none.txt")], "none.txt cannot be read: No such file"),
    ):
        assert main(["plan", *words, *more]) == 2
        assert message in capsys.readouterr().err
    assert main(["plan", *words, "--ids", str(lopsided), "--set", "ids-less.scope=dataset"]) == 0
