"""The road from a command to a board, as a user goes it, on real digits with a training of two epochs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqbench import compressed, records

QUICK = ["--task", "digits-xarch", "--set", "recipe.epochs=2", "--set", "observer.epochs=2", "--arch", "digits-mlp"]


def dqbench(*words: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dqbench", *map(str, words)], capture_output=True, text=True, timeout=1800, **more
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("road")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQBENCH_DATA", str(folder / "data"))
        yield folder


@pytest.fixture(scope="module")
def workspace(home: Path) -> Path:
    """A finished run of adq and dq at two ratios."""
    workspace = home / "out"
    done = dqbench(
        "run", *QUICK, "--method", "adq", "--method", "dq", "--keep", "0.05", "--keep", "0.1", "--workspace", workspace
    )
    assert done.returncode == 0, done.stderr
    assert "profile smoke (the default on a cpu)" in done.stderr
    for row in ("full", "random", "adq", "dq"):
        assert row in done.stdout
    return workspace


def read(workspace: Path) -> dict[tuple[str, str], records.Record]:
    return {(r.cell.method, str(r.cell.budget)): r for r in records.read_all(workspace / "records")}


def test_every_cell_has_a_record_with_what_is_needed_to_redo_it(workspace: Path) -> None:
    found = read(workspace)
    assert set(found) == {("full", "full"), *((m, k) for m in ("random", "adq", "dq") for k in ("0.05", "0.1"))}
    record = found["adq", "0.1"]
    assert record.status == "done"
    assert record.cell.config["alpha"] == 0.65, "defaults are written out"
    assert record.cell.observer_arch == "digits-cnn"
    assert record.source.provenance == "bundled"
    assert [run.seed for run in record.runs] == [0, 1]
    assert {job.kind for job in record.jobs.values()} == {"train", "observe", "prepare", "compress", "evaluate"}
    assert all(job.wall_s > 0 and job.peak_host_gib > 0 for job in record.jobs.values())
    assert record.versions.packages["torch"] != "none"
    assert record.command.startswith("dqbench run --method adq --method dq --task digits-xarch --profile smoke")
    text = (workspace / "records" / record.file_name).read_text()
    assert str(Path.home()) not in text
    assert str(workspace) not in text


def test_budgets_bytes_and_updates_are_exact(workspace: Path) -> None:
    for (method, budget), record in read(workspace).items():
        samples = {"full": 1297, "0.05": 65, "0.1": 130}[budget]
        for run in record.runs:
            assert run.samples == samples, method
            assert run.bytes == samples * (8 * 8 + 1)
            assert run.updates == 2 * -(-samples // record.cell.recipe.batch_size)
            assert len(run.curve) == 2


def test_the_kept_set_is_on_disk_by_native_ids_and_classes_are_balanced(workspace: Path) -> None:
    run = read(workspace)["dq", "0.1"].runs[0]
    (key,) = run.jobs["compress"]
    kept = compressed.load(next((workspace / "artifacts").glob(f"compress-{key[:24]}")))
    assert isinstance(kept, compressed.Subset)
    labels = np.load(Path(os.environ["DQBENCH_DATA"]) / "digits" / "train_labels.npy")
    assert np.ptp(np.bincount(labels[kept.ids])) <= 1


def test_methods_share_the_observer_and_the_full_row_does_not_repeat_work(workspace: Path) -> None:
    found = read(workspace)
    assert found["adq", "0.1"].runs[0].jobs["observer"] == found["dq", "0.05"].runs[0].jobs["observer"]
    assert found["adq", "0.1"].runs[0].jobs["prepare"][0] == found["dq", "0.1"].runs[0].jobs["prepare"][0]
    assert found["random", "0.1"].runs[0].jobs.get("observer") is None


def test_the_same_command_again_does_nothing(workspace: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (workspace / "records").rglob("*.json")}
    words = ["--method", "adq", "--method", "dq", "--keep", "0.05", "--keep", "0.1", "--workspace", workspace]
    again = dqbench("run", *QUICK, *words)
    assert again.returncode == 0
    assert "nothing to do: all 7 cells are done" in again.stderr
    assert {p: p.stat().st_mtime_ns for p in (workspace / "records").rglob("*.json")} == before


def test_json_has_the_same_numbers_and_nothing_else_on_stdout(workspace: Path) -> None:
    words = ["--method", "dq", "--keep", "0.1", "--workspace", workspace, "--json"]
    answer = json.loads(dqbench("run", *QUICK, *words).stdout)
    scores = {(r["cell"]["method"]): [run["score"] for run in r["runs"]] for r in answer}
    found = read(workspace)
    assert scores["dq"] == [run.score for run in found["dq", "0.1"].runs]
    assert set(scores) == {"full", "random", "dq"}


def test_the_same_grid_elsewhere_gives_the_same_numbers(workspace: Path, home: Path) -> None:
    other = home / "other"
    assert dqbench("run", *QUICK, "--method", "adq", "--keep", "0.1", "--workspace", other).returncode == 0
    first, second = read(workspace)["adq", "0.1"], read(other)["adq", "0.1"]
    assert [run.score for run in first.runs] == [run.score for run in second.runs]
    assert [run.kept_hash for run in first.runs] == [run.kept_hash for run in second.runs]
    assert [run.curve for run in first.runs] == [run.curve for run in second.runs]
    assert first.key == second.key


def test_a_board_is_made_of_the_records_and_checked_against_them(workspace: Path, home: Path) -> None:
    words = ["leaderboard", "--records", workspace / "records", "--out", home / "boards"]
    assert dqbench(*words).returncode == 0
    board = home / "boards" / "digits-xarch.md"
    mean = np.mean([run.score for run in read(workspace)["dq", "0.1"].runs])
    assert f"{mean:.1f}" in board.read_text()
    assert dqbench(*words, "--check").returncode == 0
    board.write_text(board.read_text().replace(f"{mean:.1f}", "99.9"))
    stale = dqbench(*words, "--check")
    assert stale.returncode == 1
    assert "digits-xarch.md" in stale.stdout + stale.stderr


def test_best_epoch_is_recorded_beside_the_last_and_never_replaces_it(home: Path) -> None:
    out = home / "best"
    words = ["run", *QUICK, "--method", "random", "--keep", "0.1", "--seeds", "1", "--best-epoch", "--workspace", out]
    assert dqbench(*words).returncode == 0
    run = read(out)["random", "0.1"].runs[0]
    assert run.best_epoch_score is not None
    assert run.best_epoch_score >= run.score


def test_dry_run_does_nothing(home: Path) -> None:
    out = home / "never"
    done = dqbench("run", *QUICK, "--method", "adq", "--keep", "0.1", "--dry-run", "--workspace", out)
    assert done.returncode == 0
    assert "cells: 3, of which 3 are to be made" in done.stdout
    assert not out.exists()


FRAGILE = """
from collections.abc import Iterable
from dqbench import Config, MethodSpec, Subset, hookimpl

class FragileConfig(Config):
    pass

class Fragile:
    scope = "dataset"

    def __init__(self, config):
        pass

    def compress(self, source, prepared, budget, seed):
        if budget.total < 100:
            raise RuntimeError("too little to choose from")
        return Subset(source.ids[:budget.total - (budget.total > 200)])

@hookimpl
def dqbench_methods() -> Iterable[MethodSpec]:
    yield MethodSpec("fragile", "fragile:Fragile", FragileConfig, "selection", 1, "fails on small budgets")
"""


def test_a_failing_cell_is_recorded_and_the_others_finish(home: Path) -> None:
    plugin = home / "fragile.py"
    plugin.write_text(FRAGILE)
    keeps = ["--keep", "0.05", "--keep", "0.1", "--keep", "0.2"]
    words = [
        "run",
        "--plugin",
        plugin,
        *QUICK,
        "--method",
        "fragile",
        *keeps,
        "--seeds",
        "1",
        "--workspace",
        home / "f",
    ]
    done = dqbench(*words)
    assert done.returncode == 1
    found = read(home / "f")
    assert found["fragile", "0.1"].status == "done"
    small, broken = found["fragile", "0.05"], found["fragile", "0.2"]
    assert small.status == broken.status == "failed"
    assert small.failures[0].error == "RuntimeError"
    assert small.failures[0].message == "too little to choose from"
    assert any("too little" in line for line in small.failures[0].log_tail)
    assert "kept 258 samples; the budget 0.2 is 259" in broken.failures[0].message
    assert all(found["random", k].status == "done" for k in ("0.05", "0.1", "0.2"))
    assert "too little to choose from" in done.stderr
    plugin.write_text(FRAGILE.replace("budget.total < 100", "budget.total < 1").replace(" - (budget.total > 200)", ""))
    mended = dqbench(*words)
    assert mended.returncode == 0, mended.stderr
    assert {r.status for r in read(home / "f").values()} == {"done"}


def test_an_interrupted_run_goes_on_with_the_same_command(home: Path) -> None:
    for attempt in range(10):  # on a busy machine a run may be done before it hears of the interrupt
        out = home / f"interrupted-{attempt}"
        words = ["run", *QUICK, "--method", "dq", "--keep", "0.1", "--workspace", str(out)]
        process = subprocess.Popen(
            [sys.executable, "-m", "dqbench", *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        for line in process.stderr:
            if "done" in line:
                break
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=1800)
        if process.returncode:
            break
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    assert not list((out / "artifacts").glob(".tmp-*"))
    assert dqbench(*words).returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "dq", "--keep", "0"], "keep ratio 0 is not in (0, 1]"),
        (["--method", "dq", "--keep", "-0.2"], "keep ratio -0.2 is not in (0, 1]"),
        (["--method", "dq", "--keep", "1.4"], "keep ratio 1.4 is not in (0, 1]"),
        (["--method", "dq", "--keep", "half"], "keep ratio 'half' is not a number"),
        (["--method", "dq", "--ipc", "5000"], "ipc 5000 is larger than class"),
        (["--method", "aqd"], "unknown method 'aqd'; did you mean adq?"),
        (["--method", "dq", "--arch", "digits-mpl"], "did you mean digits-mlp?"),
        (["--method", "dq", "--set", "dq.bnis=3"], "did you mean bins?"),
        (["--method", "dq", "--set", "dq.bins=many"], "dq.bins='many': input should be a valid integer"),
        (["--method", "dq", "--set", "bins"], "is not NAME.OPTION=VALUE"),
        (["--method", "dq", "--profile", "huge"], "unknown profile"),
        (["--method", "dq", "--device", "tpu"], "device 'tpu' is none of auto, cpu, cuda"),
        (["--method", "dq", "--plugin", "nowhere.py"], "nowhere.py cannot be read"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(home: Path, words: list[str], message: str) -> None:
    task = ["--task", "digits-xarch", "--workspace", str(home / "wrong")]
    done = dqbench("run", *words, *task)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (home / "wrong").exists()


def test_missing_data_are_one_line_and_leave_nothing(home: Path) -> None:
    place = home / "no-data"
    env = {**os.environ, "DQBENCH_DATA": str(place)}
    done = dqbench("run", "--method", "adq", "--task", "cifar10-xarch", "--workspace", home / "none", env=env)
    assert done.returncode == 2
    assert "run: dqbench data get cifar10" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (home / "none").exists()
    assert not place.exists()


def test_a_workspace_that_cannot_be_written_is_named(home: Path) -> None:
    blocked = home / "a-file"
    blocked.write_text("not a folder")
    done = dqbench("run", *QUICK, "--method", "dq", "--workspace", blocked / "out")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "--workspace DIR" in done.stderr


@pytest.mark.real_data
def test_cifar10_goes_the_same_road(cifar10_npz: Path, tmp_path: Path) -> None:
    env = {**os.environ, "DQBENCH_DATA": str(tmp_path / "data")}
    assert dqbench("data", "import", "cifar10", cifar10_npz, env=env).returncode == 0
    words = ["--task", "cifar10-xarch", "--method", "adq", "--keep", "0.1", "--seeds", "1", "--arch", "convnet3-slim"]
    short = ["--set", "recipe.epochs=1", "--set", "observer.epochs=1", "--set", "adq.epochs=1"]
    done = dqbench("run", *words, *short, "--workspace", tmp_path / "out", env=env)
    assert done.returncode == 0, done.stderr
    assert "imported" in done.stdout
    record = read(tmp_path / "out")["adq", "0.1"]
    assert record.source.provenance == "imported"
    assert record.runs[0].score > 0
