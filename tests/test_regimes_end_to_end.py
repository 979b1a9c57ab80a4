"""Regimes of labels on the whole road: real digits, rded and its twin, bytes on disk, and permuted teachers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from dqbench import api, records
from dqbench.errors import UsageError
from dqbench.jobs import relabel, train
from dqbench.jobs.job import Context

REGIMES = ("hard", "soft", "teacher")
Found = dict[tuple[str, str], records.Record]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of rded in every regime, one seed."""
    folder = tmp_path_factory.mktemp("regimes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQBENCH_DATA", str(folder / "data"))
        done = api.run(
            ["rded"], ["digits-xarch"], ipcs=[5], archs=["digits-mlp"], seeds=1, labels=REGIMES, workspace=folder,
            settings=["recipe.epochs=6", "recipe.temperature=4", "recipe.cutmix=1"],
        )  # fmt: skip
        assert [record.status for record in done] == ["done"] * 9
        yield folder


@pytest.fixture
def found(workspace: Path) -> Found:
    return {(r.cell.method, r.cell.labels): r for r in records.read_all(workspace / "records")}


def artifact(workspace: Path, kind: str, key: str) -> Path:
    return workspace / "artifacts" / f"{kind}-{key[:24]}"


def test_each_regime_has_its_records_and_they_can_be_read(found: Found) -> None:
    assert set(found) == {(m, labels) for m in ("full", "random", "rded") for labels in REGIMES}
    for (_, labels), record in found.items():
        assert record.cell.teacher_arch == (None if labels == "hard" else "digits-cnn")
        assert records.Record.model_validate_json(record.model_dump_json()) == record
    twin, mine = found["random", "soft"], found["rded", "soft"]
    assert twin.cell.recipe == mine.cell.recipe
    assert twin.runs[0].updates == mine.runs[0].updates


def test_learning_from_the_teacher_beats_chance_in_every_regime(found: Found) -> None:
    assert all(record.runs[0].score > 25 for record in found.values())
    assert len({found["rded", labels].runs[0].score for labels in REGIMES}) > 1


def test_bytes_are_the_sizes_of_the_files_part_by_part(workspace: Path, found: Found) -> None:
    for (method, labels), record in found.items():
        (run,) = record.runs
        assert run.bytes == sum(run.bytes_parts.values())
        images = run.samples * 64
        if method == "rded":
            images = (artifact(workspace, "compress", run.jobs["compress"][0]) / "images.npy").stat().st_size
        assert run.bytes_parts["images"] == images
        wanted = {"images", "labels"} if labels != "teacher" else {"images", "teacher"}
        assert set(run.bytes_parts) == wanted
        if labels == "soft":
            folder = artifact(workspace, "relabel", run.jobs["relabel"][0])
            stored = [path for path in folder.iterdir() if path.name not in ("job.json", "result.json")]
            assert run.bytes_parts["labels"] == sum(path.stat().st_size for path in stored)
            assert np.load(folder / "probabilities.npy", allow_pickle=False).shape == (6, run.samples, 10)
        if labels == "teacher":
            folder = artifact(workspace, "train", run.jobs["teacher"][0])
            assert run.bytes_parts["teacher"] == (folder / "model.safetensors").stat().st_size


def test_notes_say_what_the_images_cost(found: Found) -> None:
    run = found["rded", "soft"].runs[0]
    assert run.notes["ms_per_image"] > 0
    assert run.notes["crops_per_image"] == 1
    (key,) = run.jobs["compress"]
    assert found["rded", "soft"].jobs[key].peak_host_gib > 0


@pytest.mark.parametrize("change", ["names", "weights", "number"])
@pytest.mark.parametrize(("kind", "labels"), [("relabel", "soft"), ("train", "teacher")])
def test_a_permuted_teacher_is_refused(
    workspace: Path, found: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, kind: str, labels: str
) -> None:
    monkeypatch.setenv("DQBENCH_DATA", str(workspace / "data"))
    run = found["random", labels].runs[0]
    folder = artifact(workspace, kind, run.jobs[kind][0])
    spec = json.loads((folder / "job.json").read_text())["spec"]
    kept = artifact(workspace, "compress", run.jobs["compress"][0])
    teacher = tmp_path / "teacher"
    shutil.copytree(artifact(workspace, "train", run.jobs["teacher"][0]), teacher)
    (permute_weights if change == "weights" else permute_names)(teacher, change)
    out = tmp_path / "out"
    out.mkdir()
    job = {"relabel": relabel.run, "train": train.run}[kind]
    with pytest.raises(UsageError, match=r"in another order than|in another order:|knows 9 classes"):
        job(spec, {"kept": kept, "teacher": teacher}, out, Context("cpu"))


def permute_names(teacher: Path, change: str) -> None:
    facts = json.loads((teacher / "network.json").read_text())
    names = facts["class_names"]
    facts["class_names"] = names[:-1] if change == "number" else names[::-1]
    (teacher / "network.json").write_text(json.dumps(facts))


def permute_weights(teacher: Path, change: str) -> None:
    weights = load_file(teacher / "model.safetensors")
    last = [name for name, value in weights.items() if value.shape[:1] == (10,)]
    assert last
    save_file(
        {k: v.flip(0).contiguous() if k in last else v for k, v in weights.items()}, teacher / "model.safetensors"
    )
