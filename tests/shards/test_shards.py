"""Choosing from shards: one partition is the ordinary choice, several are two rounds; what is wrong is refused."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dqbench import compressed, plugins
from dqbench.cli import main
from dqbench.data.shards import are_shards, open_shards
from dqbench.errors import UsageError
from dqbench.executors import local as local_module
from dqbench.jobs import choosepart, mergeparts
from dqbench.jobs.job import Context
from dqbench.own_images import keep
from dqbench.plan.shard_jobs import Rounds, _offered, _partitions, plan_rounds
from dqbench.runner.scheduler import run_jobs
from dqbench.select import facility_location_value, graph_cut_value
from dqbench.shards.choice import Order, open_choice
from dqbench.shards.write import rows
from dqbench.specs import Budget

N, D = 90, 5
RNG = np.random.default_rng(5)
EMB = RNG.standard_normal((N, D)).astype(np.float32)
LABELS = np.arange(N) % 3
REGISTRY = plugins.load(())
METHODS = {
    "facility-location": {"embedding": "feature"},
    "graphcut": {"embedding": "feature"},
    "k-center": {},
    "herding": {},
}
RUN = {"choosepart": choosepart.run, "mergeparts": mergeparts.run}


def sharded(folder: Path, sizes=(40, 20, 30), labels=None) -> Path:
    """Embeddings in files of these sizes, with labels beside them."""
    folder.mkdir()
    first = 0
    for i, size in enumerate(sizes):
        np.save(folder / f"part-{i}.npy", EMB[first : first + size])
        if labels is not None:
            np.save(folder / f"part-{i}.labels.npy", labels[first : first + size])
        first += size
    return folder


def rounds(name="facility-location", budget=None, **more) -> Rounds:
    method = REGISTRY.methods[name]
    config = method.config.model_validate(METHODS[name] | more.pop("config", {}))
    return Rounds(method, config, budget or Budget.ratio(0.2), seed=3, **more)


def done(plan, place: Path):
    """Every job of a plan, done in this process; gives the set of each group."""
    for job in plan.jobs.values():  # inputs come before what reads them
        out = place / job.folder
        out.mkdir(parents=True)
        inputs = {role: place / plan.jobs[key].folder for role, key in job.inputs.items()}
        RUN[job.kind](json.loads(json.dumps(job.spec)), inputs, out, Context("cpu"))
    return [compressed.load(place / plan.jobs[group.key].folder) for group in plan.groups]


def ordinary(tmp_path: Path, name: str, labels: bool) -> list[int]:
    """What ``dqbench compress --features`` keeps of the same rows in one file."""
    np.save(tmp_path / "all.npy", EMB)
    np.save(tmp_path / "y.npy", LABELS)
    asked = rounds(name)
    order = keep.Order(
        None, tmp_path / f"kept-{name}", asked.method, asked.config, asked.budget, seed=3, device="cpu",
        features=tmp_path / "all.npy", labels=tmp_path / "y.npy" if labels else None,
    )  # fmt: skip
    keep.keep_own_images(order, REGISTRY, lambda text: None)
    kept = compressed.load(tmp_path / f"kept-{name}" / "kept")
    return kept.ids.tolist()


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_one_partition_is_the_ordinary_choice(tmp_path: Path, name: str, labels: bool) -> None:
    folder = sharded(tmp_path / "shards", labels=LABELS if labels else None)
    plan = plan_rounds(open_shards(folder), rounds(name))
    assert {job.kind for job in plan.jobs.values()} == {"choosepart"}
    assert len(plan.groups) == (3 if labels else 1)
    kept = np.concatenate([each.ids for each in done(plan, tmp_path / "jobs")])
    assert kept.tolist() == ordinary(tmp_path, name, labels)


@pytest.mark.parametrize("name", METHODS)
def test_two_rounds_keep_the_budget_of_candidates(tmp_path: Path, name: str) -> None:
    folder = sharded(tmp_path / "shards")
    plan = plan_rounds(open_shards(folder), rounds(name, partition_rows=30))
    assert plan.groups[0].parts == (40, 20, 30)
    (kept,) = done(plan, tmp_path / "jobs")
    offered = [
        compressed.load(tmp_path / "jobs" / job.folder).ids.tolist()
        for job in plan.jobs.values()
        if job.kind == "choosepart"
    ]
    assert len(kept) == 18
    assert set(kept.ids.tolist()) <= set(np.concatenate(offered).tolist())
    assert [min(ids) // 40 for ids in offered[:1]] == [0], "the first shard's candidates are of its rows"
    assert all(40 <= one < 60 for one in offered[1])


def test_the_better_of_the_merged_and_the_best_partition_is_kept(tmp_path: Path) -> None:
    plan = plan_rounds(open_shards(sharded(tmp_path / "shards")), rounds(partition_rows=30, budget=Budget.ratio(0.05)))
    merge = next(job for job in plan.jobs.values() if job.kind == "mergeparts")
    done(plan, tmp_path / "jobs")
    inputs = {role: tmp_path / "jobs" / plan.jobs[key].folder for role, key in merge.inputs.items()}
    out = tmp_path / "again"
    out.mkdir()
    facts = mergeparts.run(merge.spec, inputs, out, Context("cpu"))
    assert set(facts["objective"]) == {"merged", "part 0", "part 1", "part 2"}
    assert facts["objective"][facts["chosen"]] == max(facts["objective"].values())
    kept = EMB[compressed.load(out).ids]
    assert facility_location_value(EMB, kept) == pytest.approx(facts["objective"][facts["chosen"]])


def test_objectives_are_their_formulas() -> None:
    kept, unit = EMB[:7], EMB / np.linalg.norm(EMB, axis=1, keepdims=True)
    similar = (unit @ unit[:7].T).astype(float)
    assert facility_location_value(EMB, kept) == pytest.approx(similar.max(axis=1).mean(), abs=1e-5)
    near = np.linalg.norm(EMB[:, None] - kept[None], axis=2).min(axis=1)
    assert facility_location_value(EMB, kept, "l2") == pytest.approx(-near.mean(), abs=1e-4)
    inside = unit[:7] @ unit[:7].T
    among = inside.sum() - np.trace(inside)
    assert graph_cut_value(EMB, kept, N, 0.5) == pytest.approx(0.5 * similar.sum() - among, abs=1e-3)
    squares = ((EMB[:, None] - kept[None]) ** 2).sum(axis=2)
    assert graph_cut_value(EMB, kept, N, 1.0, "l2") == pytest.approx(
        -squares.sum() / 2 + squares[:7].sum() / 2, abs=1e-2
    )


def test_partitions_join_shards_and_candidates_fit() -> None:
    assert _partitions(np.array([40, 20, 0, 30, 100, 1]), 60) == [[0, 1], [3], [4], [5]]
    assert _partitions(np.array([40, 20, 30]), 1) == [[0], [1], [2]]
    for parts, kept in [((40, 20, 30), 90), ((5, 200, 3), 150), ((1000,) * 10, 50), ((10,) * 100, 7)]:
        offered = _offered(parts, kept, None, "all")
        assert sum(offered) >= kept
        assert all(0 < one <= rows for one, rows in zip(offered, parts, strict=True))
    with pytest.raises(UsageError, match=r"--candidates 2 of 3 partitions are 6, but 18 are kept.*give 6 or more"):
        _offered((40, 20, 30), 18, 2, "all")


def test_a_killed_job_costs_itself_alone(tmp_path, monkeypatch, workspace, executor) -> None:
    functions = {**local_module.FUNCTIONS, "choosepart": "stub_shards:run"}
    monkeypatch.setattr(local_module, "FUNCTIONS", functions)
    plan = plan_rounds(open_shards(sharded(tmp_path / "shards")), rounds(partition_rows=30))
    goal = plan.groups[0].key
    first = run_jobs(plan.jobs, workspace, executor, targets=[goal])
    assert [failure.error for failure in first.failed.values()] == ["SIGKILL"]
    (died,) = first.failed
    assert set(first.redone) == {died}, "it is tried once more at once"
    again = run_jobs(plan.jobs, workspace, executor, targets=[goal])
    assert again.ran == {died, goal}
    assert not again.failed


def test_a_shard_that_changed_is_refused_or_done_again(tmp_path: Path) -> None:
    folder = sharded(tmp_path / "shards")
    before = plan_rounds(open_shards(folder), rounds(partition_rows=30))
    np.save(folder / "part-1.npy", EMB[:20] + 1)
    os.utime(folder / "part-1.npy", ns=(1, 1))
    with pytest.raises(UsageError, match=r"part-1\.npy changed since this was planned; run the command again"):
        done(before, tmp_path / "jobs")
    after = plan_rounds(open_shards(folder), rounds(partition_rows=30))
    assert len(before.jobs.keys() - after.jobs.keys()) == 2, "the partition of that shard, and the second round"


def test_rows_that_cannot_be_compared_are_named(tmp_path: Path) -> None:
    folder = sharded(tmp_path / "shards", labels=LABELS)
    spoilt = EMB[40:60].copy()
    spoilt[7] = np.nan
    np.save(folder / "part-1.npy", spoilt)
    with pytest.raises(UsageError, match=r"part-1\.npy: row 7 is not finite"):
        done(plan_rounds(open_shards(folder), rounds()), tmp_path / "jobs")


def test_folders_that_are_no_shards_of_one_kind(tmp_path: Path) -> None:
    folder = sharded(tmp_path / "shards", labels=LABELS)
    np.save(folder / "part-2.labels.npy", LABELS[:4])
    with pytest.raises(UsageError, match=r"part-2\.labels\.npy has 4 labels, but part-2\.npy has 30 rows"):
        open_shards(folder)
    (folder / "part-2.labels.npy").unlink()
    with pytest.raises(UsageError, match=r"labels of part-0\.npy and none for part-2\.npy"):
        open_shards(folder)
    for left in folder.glob("*.labels.npy"):
        left.unlink()
    np.save(folder / "labels.npy", LABELS[:-1])
    with pytest.raises(UsageError, match="has 89 labels, but the shards have 90 rows"):
        open_shards(folder)
    (folder / "labels.npy").unlink()
    np.save(folder / "part-3.npy", np.zeros((3, D + 1), dtype=np.float32))
    with pytest.raises(UsageError, match=r"of width 6, but part-0\.npy float32 of width 5"):
        open_shards(folder)
    (folder / "images.tar").touch()
    with pytest.raises(UsageError, match=r"embeddings \(part-0\.npy\) and images \(images\.tar\)"):
        open_shards(folder)


def test_a_folder_of_classes_with_features_beside_is_an_image_folder(tmp_path: Path) -> None:
    folder = sharded(tmp_path / "shards")
    assert are_shards(folder)
    (folder / "cat").mkdir()
    assert not are_shards(folder)


def test_one_file_of_labels_is_for_all_shards(tmp_path: Path) -> None:
    folder = sharded(tmp_path / "shards")
    np.save(folder / "labels.npy", np.array(["cat", "dog", "eel"])[LABELS].astype("S3"))
    shards = open_shards(folder)
    assert shards.class_names == ("cat", "dog", "eel")
    assert shards.labels.tolist() == LABELS.tolist()
    plan = plan_rounds(shards, rounds("k-center", Budget.ipc(4)))
    kept = [each.ids for each in done(plan, tmp_path / "jobs")]
    assert [set(LABELS[ids]) for ids in kept] == [{0}, {1}, {2}]
    found = list(rows(compressed.Subset(np.array([59, 60])), shards))
    assert [(row["shard"], row["row"]) for row in found] == [("part-1.npy", 19), ("part-2.npy", 0)]


def test_methods_that_need_more_than_features(tmp_path: Path) -> None:
    folder = sharded(tmp_path / "shards")
    asked = rounds("facility-location", config={"embedding": "gradient"})
    order = Order(folder, tmp_path / "out", tmp_path / "ws", asked.method, asked.config, asked.budget)
    with pytest.raises(UsageError, match=r"set facility-location\.embedding=feature"):
        open_choice(order, REGISTRY)
    random = REGISTRY.methods["random"]
    with pytest.raises(UsageError, match=r"random is no greedy order of features.*k-center"):
        open_choice(replace(order, method=random, config=random.config()), REGISTRY)
    with pytest.raises(UsageError, match="the folder of the shards; choose another --out"):
        open_choice(replace(order, out=folder / "kept"), REGISTRY)


def test_the_command_says_before_and_after(tmp_path: Path, capsys) -> None:
    folder, out = sharded(tmp_path / "shards"), tmp_path / "kept"
    command = [
        "--json", "compress", "--method", "k-center", "--data", str(folder), "--keep", "0.1", "--out", str(out),
        "--workspace", str(tmp_path / "ws"), "--partition-rows", "50",
    ]  # fmt: skip
    assert main([*command, "--dry-run"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["jobs"], said["jobs_there"], said["rounds"]) == (3, 0, 2)
    assert not (tmp_path / "ws").exists()
    assert not out.exists()
    assert main(command) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["approximation"] is True
    assert facts["groups"][0]["partitions"] == 2
    with (out / "manifest.csv").open() as file:
        assert len(list(csv.DictReader(file))) == facts["kept"] == 9
    assert json.loads((out / "manifest.json").read_text())["rounds"] == 2
    assert main([*command, "--images", "copy"]) == 2
    assert "--images is not for shards" in capsys.readouterr().err
