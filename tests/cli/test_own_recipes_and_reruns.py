"""``--recipe FILE.yaml`` and ``--rerun``: what is done, what is done again, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dqbench.cli import main
from dqbench.jobs.job import Job
from dqbench.plan.plan import Plan
from dqbench.runner.rerun import drop
from dqbench.workspace.workspace import Workspace

RECIPE = "epochs: 1\nbatch_size: 32\nlr: 5e-2\naugment: [shift1]\n"
GRID = ["--task", "digits-xarch", "--method", "random-unbalanced", "--keep", "0.05", "--arch", "digits-mlp"]
GRID += ["--seeds", "1", "--profile", "smoke", "--device", "cpu"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a recipe, and a workspace in which a grid has run by it."""
    home = tmp_path_factory.mktemp("own-recipes")
    (home / "mine.yaml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQBENCH_DATA", str(home / "data"))
        assert main(["run", *_words(home)]) == 0
        yield home


def _words(home: Path, *more: str) -> list[str]:
    return [*GRID, "--recipe", str(home / "mine.yaml"), "--workspace", str(home / "out"), *more]


def _records(home: Path) -> dict[str, dict[str, object]]:
    found = [json.loads(path.read_text()) for path in (home / "out" / "records").glob("*/*.json")]
    return {record["cell"]["method"]: record for record in found}


def _jobs_to_do(home: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, int]:
    capsys.readouterr()
    assert main(["plan", "--json", *_words(home, *more)]) == 0
    to_do: dict[str, int] = json.loads(capsys.readouterr().out)["jobs_to_do"]
    return to_do


def test_a_recipe_of_a_file_is_in_the_cell_and_in_the_command(home: Path) -> None:
    record = _records(home)["random-unbalanced"]
    recipe = record["cell"]["recipe"]  # type: ignore[index]
    assert (recipe["name"], recipe["epochs"], recipe["lr"]) == ("mine", 1, 0.05)
    assert str(record["command"]).endswith("--recipe mine.yaml")
    assert str(home) not in str(record["command"])


def test_an_edited_recipe_is_said_and_done_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "mine.yaml").write_text(RECIPE.replace("epochs: 1", "epochs: 2"))
    try:
        assert main(["plan", *_words(home)]) == 0
        said = " ".join(capsys.readouterr().err.split())
        assert "recipe mine (epochs was 1, is 2) has changed since 3 cells were made; they are done again" in said
    finally:
        (home / "mine.yaml").write_text(RECIPE)
    assert main(["plan", *_words(home)]) == 0
    assert "recipe mine" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        ("epochs: 1", "epochs: many", "mine.yaml: epochs='many': input should be a valid integer"),
        ("epochs: 1", "epoch: 1", "mine.yaml: 'epoch'; did you mean epochs?"),
        ("lr: 5e-2\n", "", "mine.yaml: lr is not given; a recipe has at least epochs, batch_size, lr"),
        ("shift1", "cutout", "mine.yaml: augment: unknown augmentation 'cutout'; known: flip, "),
        ("epochs: 1", "name: ../mine\nepochs: 1", "name='../mine': use small letters"),
        ("epochs: 1", "name: fast-8\nepochs: 1", "recipe fast-8 has epochs=1, and there is another of that name with"),
        ("epochs: 1", "epochs: 1\nepochs: 2", "epochs is there twice"),
        ("epochs: 1", "epochs: 1\nschedule: decay", "optimizer sgd with schedule decay needs a recipe with timm"),
        (RECIPE, "words", "mine.yaml: epochs is not given"),
    ],
)
def test_wrong_recipes_are_refused_with_their_field(
    was: str, becomes: str, message: str, tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.yaml").write_text(RECIPE.replace(was, becomes))
    assert main(["plan", *_words(tmp_path)]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_unknown_augmentations_are_refused_before_anything_runs(
    tmp_path: Path, data_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *GRID, "--workspace", str(tmp_path), "--set", 'recipe.augment=["cutout"]']) == 2
    assert "unknown augmentation 'cutout'" in capsys.readouterr().err


def test_a_rerun_does_a_method_again_and_nothing_else(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = "random-unbalanced"
    assert _jobs_to_do(home, capsys) == {}
    assert _jobs_to_do(home, capsys, "--rerun", again) == {"compress": 1, "train": 1, "evaluate": 1}
    assert _jobs_to_do(home, capsys) == {}, "a plan drops nothing"
    before = _records(home)
    assert main(["run", *_words(home, "--rerun", again)]) == 0
    assert f"done again: digits-xarch {again} 0.05 digits-mlp: the same scores" in " ".join(
        capsys.readouterr().err.split()
    )
    after = _records(home)
    assert {method for method in after if after[method]["ended"] != before[method]["ended"]} == {again}
    assert after[again]["runs"] == before[again]["runs"]


def test_a_rerun_of_a_task_does_all_of_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _jobs_to_do(home, capsys, "--rerun", "digits-xarch") == {"compress": 2, "train": 3, "evaluate": 3}


def test_a_rerun_of_what_is_not_run_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *_words(home, "--rerun", "dq")]) == 2
    assert "unknown method or task of this run in --rerun 'dq'; known: digits-xarch, full, " in capsys.readouterr().err


def test_a_job_that_another_run_is_at_is_left_alone(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    jobs = [Job("train", {"seed": seed}) for seed in (0, 1)]
    for job in jobs:
        workspace.artifact(job).mkdir()
    plan = Plan(jobs={job.key: job for job in jobs})
    other = workspace.lock(jobs[1])
    assert other is not None
    with pytest.raises(Exception, match="--rerun: another run is at train; wait for its end"):
        drop(plan, plan.jobs, workspace)
    assert all(workspace.artifact(job).is_dir() for job in jobs)
    other.release()
    drop(plan, plan.jobs, workspace)
    assert not any(workspace.artifact(job).exists() for job in jobs)
