"""Features that the user brings: matched with images by name or order, alone, or refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import dqbench
from dqbench.cli import main
from dqbench.data.folder import open_user_data
from dqbench.errors import UsageError
from dqbench.observe.given import GivenFeatures
from dqbench.own_images.kept_set import KeptDataset
from dqbench.select import herding_order

N, D = 24, 5
RNG = np.random.default_rng(3)
EMB = RNG.standard_normal((N, D)).astype(np.float32)
LABELS = np.arange(N) % 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve images of each of two classes, of different sizes."""
    root = tmp_path_factory.mktemp("own") / "pets"
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for i in range(N // 2):
            pixels = rng.integers(0, 256, (8 + i, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i:02}.png")
    return root


def saved(path, values=EMB, **more):
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        np.savez(path, features=values, **more)
    return path


@pytest.fixture
def command(capsys):
    """Runs ``dqbench compress``; gives the exit code and all that it printed."""

    def run(*args):
        code = main(["compress", *map(str, args)])
        return code, " ".join("".join(capsys.readouterr()).split())

    return run


def rows(out):
    with (out / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_features_alone_are_one_class_without_labels():
    kept = dqbench.compress(EMB, "herding", keep=0.5)
    assert kept.ids.tolist() == herding_order(EMB)[: N // 2].tolist()


@pytest.mark.parametrize("given", ["tuple", "keyword", "tensors", "text"])
def test_labels_balance_features(given):
    labels = np.array(["b", "c", "a"])[LABELS] if given == "text" else LABELS
    if given == "tuple":
        kept = dqbench.compress((EMB, labels), "herding", ipc=3)
    elif given == "tensors":
        kept = dqbench.compress((torch.tensor(EMB), torch.tensor(labels)), "herding", ipc=3)
    else:
        kept = dqbench.compress(EMB, "herding", ipc=3, labels=labels)
    wanted = {key: np.flatnonzero(key == LABELS)[herding_order(EMB[key == LABELS])[:3]].tolist() for key in range(3)}
    found = {key: [i for i in kept.ids.tolist() if LABELS[i] == key] for key in range(3)}
    assert found == wanted


def test_labels_with_gaps_are_classes():
    kept = dqbench.compress((EMB, LABELS * 7 - 3), "random", ipc=2)
    assert np.bincount(LABELS[kept.ids]).tolist() == [2, 2, 2]


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_a_folder_takes_rows_in_the_order_of_its_sorted_paths(folder, tmp_path, suffix):
    kept = dqbench.compress(folder, "herding", ipc=4, features=saved(tmp_path / f"e{suffix}"))
    half = N // 2
    assert kept.ids[:4].tolist() == herding_order(EMB[:half])[:4].tolist()
    assert kept.ids[4:].tolist() == (half + herding_order(EMB[half:])[:4]).tolist()


def test_rows_with_names_may_come_in_any_order_and_be_of_more_images(folder, tmp_path):
    files = open_user_data(folder, size=8).source.files
    names = [str(folder / name) for name in files] + ["elsewhere/bird/0.png"]
    shuffled = np.random.default_rng(1).permutation(len(names))
    values = np.concatenate([EMB, np.full((1, D), np.nan, np.float32)])[shuffled]
    named = saved(tmp_path / "e.npz", values, files=np.array(names)[shuffled])
    kept = [dqbench.compress(folder, "herding", ipc=4, features=given).ids for given in (named, EMB)]
    assert kept[0].tolist() == kept[1].tolist()


def test_the_command_does_not_decode_and_what_it_keeps_can_be_trained_on(folder, tmp_path, monkeypatch, command):
    monkeypatch.setattr("dqbench.data.folder.decode", lambda *given: pytest.fail("an image was decoded"))
    features, out = saved(tmp_path / "e.npy"), tmp_path / "out"
    code, output = command(
        "--method", "k-center", "--keep", 0.25, "--data", folder, "--features", features, "--out", out
    )
    assert code == 0, output
    monkeypatch.undo()
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["observer"] is None
    assert (manifest["features"]["rows"], manifest["features"]["width"]) == (N, D)
    kept = KeptDataset(folder, out)
    assert len(kept) == len(rows(out)) == 6
    assert kept[0][0].shape == (3, 64, 64)
    assert {(folder / row["file"]).is_file() for row in rows(out)} == {True}


def test_the_command_takes_features_alone_with_labels(tmp_path, command):
    features, out = saved(tmp_path / "e.npy"), tmp_path / "out"
    (tmp_path / "y.txt").write_text("\n".join("abc"[label] for label in LABELS))
    code, output = command(
        "--method", "herding", "--ipc", 2, "--features", features, "--labels", tmp_path / "y.txt", "--out", out
    )
    assert code == 0, output
    assert "samples" in output
    assert [row["class"] for row in rows(out)] == ["a", "a", "b", "b", "c", "c"]
    assert all("abc"[LABELS[int(row["id"])]] == row["class"] for row in rows(out))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (EMB[:-1], "23 rows, but there are 24 images"),
        (EMB[:, 0], r"shape (24,), not (n, d)"),
        (np.empty((0, 4), np.float32), "no rows"),
        (np.where(np.arange(N)[:, None] == 13, np.nan, EMB), "row 13 (dog/01.png) is not finite"),
        (np.where(np.arange(N)[:, None] > 21, np.inf, EMB), "(2 such rows)"),
        (np.where(np.arange(N)[:, None] == 2, 0.0, EMB), "row 2 (cat/02.png) is all zeros"),
        (EMB.astype(complex), "complex128, not numbers"),
    ],
)
def test_rows_that_cannot_be_meant_are_refused(folder, tmp_path, command, values, words):
    out = tmp_path / "out"
    code, output = command(
        "--method", "herding", "--keep", 0.5, "--data", folder,
        "--features", saved(tmp_path / "e.npy", values), "--out", out,
    )  # fmt: skip
    assert code == 2
    assert words in output
    assert not out.exists()


def test_names_that_do_not_match_the_images_are_refused(folder, tmp_path):
    names = np.array([f"bird/{i}.png" for i in range(N)])
    with pytest.raises(UsageError, match=r"no row for 24 of 24 images of pets \(cat/00.png"):
        dqbench.compress(folder, "herding", keep=0.5, features=saved(tmp_path / "e.npz", files=names))
    with pytest.raises(UsageError, match=r"bird/0.png twice"):
        dqbench.compress(folder, "herding", keep=0.5, features=saved(tmp_path / "f.npz", files=np.repeat(names[:1], N)))


def test_an_order_in_which_loaders_differ_is_refused(tmp_path):
    for name in ("cat", "cat-big"):
        (tmp_path / "p" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "p" / name / "0.png")
    with pytest.raises(UsageError, match=r"do not agree where cat-big/0.png"):
        dqbench.compress(tmp_path / "p", "herding", keep=0.5, features=EMB[:2])


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        ("graphcut", {}, "graphcut needs last-layer gradients .* set graphcut.embedding=feature"),
        ("dq", {}, "set dq.embedding=feature"),
        ("dq", {"base": "el2n"}, "el2n needs last-layer gradients"),
        ("margin", {}, "margin needs logits"),
        ("adq", {"embedding": "feature"}, "reads the images"),
        ("dq", {"retrain_per_bin": True}, "observers that it trains"),
        ("herding", {"drop": 0.25}, "patches are dropped of images"),
        ("ssl-prototypes", {}, "set ssl-prototypes.clusters"),
    ],
)
def test_methods_that_need_more_say_what_features_lack(method, options, words):
    with pytest.raises(UsageError, match=words):
        dqbench.compress(EMB, method, keep=0.5, config=options)


def test_whatever_else_an_observer_has_features_lack():
    seen = GivenFeatures(EMB, LABELS, "cpu", "some-method")
    for name in ("net", "network", "answer", "pyramid", "logits", "gradients", "anything"):
        with pytest.raises(UsageError, match="some-method needs"):
            _ = getattr(seen, name) if name != "gradients" else seen.gradients()


@pytest.mark.parametrize(("base", "more"), [("graphcut", {"embedding": "feature"}), ("herding", {})])
def test_dq_runs_on_features(base, more):
    kept = dqbench.compress((EMB, LABELS), "dq", keep=0.5, config={"base": base, "bins": 4, **more})
    assert np.bincount(LABELS[kept.ids]).tolist() == [4, 4, 4]
    assert np.bincount(kept.bins).tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "give --data DIR|FILE.npz, --features"),
        (("--features", "e.npy", "--labels", "nope.npy"), "nope.npy is not there"),
        (("--features", "e.pt"), "neither .npy nor .npz"),
        (("--features", "nope.npy"), "nope.npy is not there"),
        (("--features", "e.npy", "--images", "copy"), "--images has no effect on features alone"),
        (("--features", "e.npy", "--size", "32"), "--size has no effect"),
        (("--features", "e.npy", "--observer", "resnet18"), "leave --observer out"),
        (("--features", "pickled.npy"), "cannot be read"),
        (("--features", "other.npz"), "other.npz has images; expected features"),
    ],
)
def test_the_command_refuses_what_has_no_meaning(tmp_path, monkeypatch, command, args, words):
    monkeypatch.chdir(tmp_path)
    saved(Path("e.npy"))
    Path("e.pt").write_bytes(b"")
    np.save("pickled.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    np.savez("other.npz", images=EMB)
    code, output = command("--method", "herding", "--keep", 0.5, "--out", "out", *args)
    assert code == 2
    assert words in output
    assert not Path("out").exists()


def test_labels_of_another_number_are_refused():
    with pytest.raises(UsageError, match="24 samples, but there are 23 labels"):
        dqbench.compress((EMB, LABELS[:-1]), "herding", keep=0.5)
    with pytest.raises(UsageError, match="whole numbers or text"):
        dqbench.compress((EMB, LABELS / 2), "herding", keep=0.5)
