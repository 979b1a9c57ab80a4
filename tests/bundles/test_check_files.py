"""``dqbench results check``: the committed records pass; edits, copies, other places and made-up keys are found."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqbench import checksums, plugins, records
from dqbench.bundles import changed_files, check_files
from dqbench.bundles.changed_files import Changed
from dqbench.cli import main
from dqbench.errors import UsageError
from dqbench.jobs.job import VERSIONS
from dqbench.plan.grid import plan
from dqbench.plan.plan import Plan, PlannedCell, PlannedRun
from dqbench.plan.request import Request
from dqbench.plugins import Registry
from dqbench.records import JobFacts, Machine, Plugin, Record, Run, Versions

COMMITTED = Path(__file__).parents[2] / "leaderboards" / "records"
Change = Callable[[dict[str, Any]], None]
KINDS = (
    "smoke_random-unbalanced_0.1_digits-mlp",
    "smoke_random-unbalanced_0.2_digits-mlp",
    "smoke_random_0.1_digits-mlp",
)
REQUEST = Request(
    tasks=("digits-xarch",),
    methods=("random-unbalanced",),
    keeps=(0.1, 0.2),
    archs=("digits-mlp",),
    seeds=2,
    profile="smoke",
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQBENCH_DATA", str(tmp_path_factory.mktemp("data")))
        yield plugins.load()


@pytest.fixture(scope="module")
def made(registry: Registry) -> list[Record]:
    """Records as a run of this dqbench writes them, but that nothing was trained."""
    planned = plan(REQUEST, registry, "cpu")
    return [_record(one, planned) for one in planned.cells]


def _run(run: PlannedRun, planned: PlannedCell) -> Run:
    share = 1.0 if planned.cell.method == "full" else planned.cell.budget_value
    samples, score = round(share * planned.source.train_samples), 100 * (200 + run.seed) / planned.source.test_samples
    recipe = planned.cell.recipe.for_samples(samples)
    losses = np.random.default_rng(int(run.jobs["train"][0][:12], 16)).uniform(size=recipe.epochs).tolist()
    return Run(
        seed=run.seed,
        score=score,
        metrics={"top1": score},
        curve=[{"epoch": number + 1.0, "loss": loss} for number, loss in enumerate(losses)],
        samples=samples,
        bytes=samples * 65,
        updates=-(-samples // recipe.batch_size) * recipe.epochs,
        kept_hash=hashlib.sha256(repr(run.jobs.get("compress")).encode()).hexdigest(),
        jobs={role: list(keys) for role, keys in run.jobs.items()},
    )


def _record(planned: PlannedCell, made: Plan) -> Record:
    facts = {"wall_s": 1.0, "peak_host_gib": 0.1, "peak_device_gib": 0.0, "device": "cpu", "started": "", "ended": ""}
    kinds = {key: made.jobs[key].kind for run in planned.runs for key in run.keys}
    own = Plugin(distribution="dqbench", source_hash="c" * 64)
    return Record(
        key=planned.key,
        status="done",
        cell=planned.cell,
        source=planned.source,
        runs=[_run(run, planned) for run in planned.runs],
        jobs={key: JobFacts(kind=kind, **facts) for key, kind in kinds.items()},
        versions=Versions(
            dqbench="0.1.0",
            dqbench_hash="d" * 64,
            method=own,
            task=own,
            packages={},
            job_versions={kind: VERSIONS[kind] for kind in kinds.values()},
        ),
        machine=Machine(device="cpu", cpu="a CPU", cores=2, threads=1),
        started="",
        ended="",
        command="dqbench run",
    )


@pytest.fixture
def folder(made: list[Record], tmp_path: Path) -> Path:
    for record in made:
        records.write(record, tmp_path)
    return tmp_path


def _path(folder: Path, name: str = KINDS[0]) -> Path:
    return next(folder.glob(f"digits-xarch/{name}_*.json"))


def _edited(path: Path, *changes: Change) -> Path:
    """The record changed as a forger would: with a new checksum."""
    value = json.loads(path.read_text())
    del value[checksums.FIELD]
    for change in changes:
        change(value)
    path.write_text(checksums.with_checksum(json.dumps(value, indent=1) + "\n"))
    return path


def _set(*where: Any) -> Change:
    *names, last, new = where

    def change(value: dict[str, Any]) -> None:
        place: Any = value
        for name in names:
            place = place[name]
        place[last] = new

    return change


def _score(seed: int, score: float) -> Change:
    def change(value: dict[str, Any]) -> None:
        value["runs"][seed]["score"] = value["runs"][seed]["metrics"]["top1"] = score

    return change


def _found(folder: Path, registry: Registry, *others: Path) -> str:
    """All findings in one text."""
    verdict = check_files.check(folder, registry, others)
    return "\n".join(f"{path.name}: {words}" for path, found in verdict.findings.items() for words in found)


def test_the_committed_records_pass(data_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["results", "check", "--records", str(COMMITTED)]) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    assert "none with findings" in said
    assert "vouched for by nothing but the run that made it" in said


def test_whole_records_are_recomputed(folder: Path, registry: Registry) -> None:
    verdict = check_files.check(folder, registry)
    assert verdict.findings == {}
    assert verdict.counts == {"records": 5, "recomputed": 5}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set("runs", 0, "score", 99.0), "score and metrics disagree"),
        (_score(0, 99.123), "is no share of"),
        (_score(0, 101.0), "not between 0 and 100"),
        (_set("runs", 0, "updates", 7), "the recipe takes"),
        (_set("runs", 1, "seed", 0), "not ascending, one run for each"),
        (lambda v: v["runs"][0]["curve"].pop(), "epochs"),
        (_set("cell", "budget_value", 0.4), "job keys"),
        (_set("cell", "budget_value", 1.4), "keep ratio 1.4"),
        (_set("cell", "arch", "digits-cnn"), "the job keys of seed 0"),
        (_set("cell", "arch", "resnet9000"), "unknown arch"),
        (_set("cell", "method", "best-ever"), "unknown method"),
        (_set("cell", "method_version", 9), "of version 9 of random-unbalanced; the one here is"),
        (_set("cell", "task", "digits-2"), "unknown task"),
        (_set("cell", "profile", "holiday"), "no profile"),
        (_set("cell", "config", {"lam": 2.0}), "unknown"),
        (_set("cell", "recipe", "epochs", 9), "the curve has"),
        (_set("cell", "metric", "top5"), "metrics disagree"),
        (_set("key", "0" * 64), "its key is not the one computed here"),
        (_set("runs", 0, "jobs", "train", ["0" * 64]), "its jobs are not those of its runs"),
        (_set("jobs", {}), "its jobs are not those of its runs"),
        (lambda v: next(iter(v["jobs"].values())).update(wall_s=-1.0), "the seconds of job"),
        (lambda v: next(iter(v["jobs"].values())).update(kind="train"), "kind"),
        (_set("trust", "verified"), "it says verified, and of no bundle"),
        (_set("bundle", "b" * 64), "it says measured, and that it came in a bundle"),
        (_set("surprise", 1), "surprise is wrong"),
        (_set("runs", 0, "notes", {"words": "trust me " * 10_000}), "more than 65,536 characters"),
        (_set("command", "\x1b[2J"), "U+001B"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_edit_with_a_new_checksum_is_found(folder: Path, registry: Registry, change: Change, words: str) -> None:
    path = _edited(_path(folder), change)
    assert words in _found(folder, registry)
    assert all(line.startswith(path.name) for line in _found(folder, registry).splitlines())


def test_an_edit_without_one_is_found(folder: Path, registry: Registry) -> None:
    path = _path(folder)
    path.write_text(path.read_text().replace('"epoch": 1.0', '"epoch": 2.0', 1))
    assert "does not have the checksum that it holds" in _found(folder, registry)


def test_a_renamed_a_moved_and_a_doubled_record_are_found(folder: Path, registry: Registry) -> None:
    path = _path(folder)
    name, text = path.name, path.read_text()
    path.rename(path.with_name("x.json"))
    assert f"x.json: it is the record that belongs in digits-xarch/{name}" in _found(folder, registry)
    path.write_text(text)
    assert "x.json: it is of the same cell as" in _found(folder, registry)
    (folder / "cifar10-xarch").mkdir()
    path.with_name("x.json").rename(folder / "cifar10-xarch" / name)
    assert "belongs in digits-xarch/" in _found(folder, registry)


def test_results_of_another_cell_are_found(folder: Path, registry: Registry) -> None:
    """A copy that takes the other's place with its cell, keys and name, and keeps the better scores."""
    better = json.loads(_path(folder, KINDS[1]).read_text())["runs"]

    def copy(value: dict[str, Any]) -> None:
        for run, other in zip(value["runs"], better, strict=True):
            run.update({name: other[name] for name in ("score", "metrics", "curve")})

    _edited(_path(folder), copy)
    assert "the training curve of seed 0 is that of" in _found(folder, registry)

    def jobs(value: dict[str, Any]) -> None:
        copy(value)
        for run, other in zip(value["runs"], better, strict=True):
            run["curve"][0]["loss"] += 0.125
            run["jobs"]["evaluate"] = other["jobs"]["evaluate"]

    _edited(_path(folder), jobs)
    assert "the evaluate job of seed 0 is that of" in _found(folder, registry)


def test_older_versions_are_believed_of_ones_own_records_alone(folder: Path, registry: Registry) -> None:
    older = [_set("versions", "job_versions", "train", 0), _set("key", "0" * 64)]
    path = _edited(_path(folder), *older)
    path = path.rename(path.with_name(records.read(path).file_name.split("/")[1]))
    verdict = check_files.check(folder, registry)
    assert verdict.findings == {}
    assert verdict.counts[check_files.OLDER] == 1
    assert "its key is not the one computed here" in _found(folder, registry, path)


def test_records_of_others_say_claimed_and_hold_a_checksum(folder: Path, registry: Registry) -> None:
    path = _path(folder)
    assert "it says measured, which nothing but the run that made it vouches for" in _found(folder, registry, path)
    _edited(path, _set("trust", "claimed"), _set("bundle", "b" * 64))
    path = path.rename(path.with_name(path.name.replace(".json", "_claimed.json")))
    assert _found(folder, registry, path) == ""
    path.write_bytes(checksums.without(path.read_bytes()))
    assert _found(folder, registry) == ""
    assert "it does not end with its checksum" in _found(folder, registry, path)


def _committed(folder: Path, git: Callable[..., None]) -> None:
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "records")
    git("checkout", "-q", "-b", "pull-request")


@pytest.fixture
def git(folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setenv("GIT_DIR", str(tmp_path_factory.mktemp("git")))
    monkeypatch.setenv("GIT_WORK_TREE", str(folder))
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "a")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@b.invalid")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return lambda *words: subprocess.run(["git", *words], cwd=folder, check=True) and None


def test_what_a_branch_adds_changes_and_deletes_is_of_others(
    folder: Path, git: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    added, changed, deleted = (_path(folder, kind) for kind in KINDS)
    text = added.read_bytes()
    added.unlink()
    (folder / ".gitignore").write_text("*random-unbalanced*\n!*0.2*\n")
    _committed(folder, git)
    assert main(["results", "check", "--records", str(folder), "--since", "main"]) == 0
    added.write_bytes(text)  # neither committed nor seen by git status
    _edited(changed, _set("command", "dqbench run --seeds 2"))
    deleted.unlink()
    git("commit", "-q", "-a", "-m", "mine")
    capsys.readouterr()
    assert main(["results", "check", "--records", str(folder)]) == 0
    assert main(["results", "check", "--records", str(folder), "--since", "main"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1].split(",")[0] for line in said if ".json: " in line] == [
        "it says measured", "it says measured", "it was deleted",
    ]  # fmt: skip
    assert changed_files.since(folder, "main") == Changed((added, changed), (deleted,))


def test_what_main_got_meanwhile_is_not_of_the_branch(folder: Path, git: Callable[..., None]) -> None:
    path = _path(folder)
    text = path.read_bytes()
    path.unlink()
    _committed(folder, git)
    git("checkout", "-q", "main")
    path.write_bytes(text)
    git("add", "-A")
    git("commit", "-q", "-m", "more")
    git("checkout", "-q", "pull-request")
    assert changed_files.since(folder, "main") == Changed((), ())


@pytest.mark.parametrize("commit", ["nowhere", "--output=x", ""])
def test_a_commit_that_git_does_not_know_is_refused(folder: Path, git: Callable[..., None], commit: str) -> None:
    _committed(folder, git)
    with pytest.raises(UsageError, match=r"what changed in .* is not known: git says"):
        changed_files.since(folder, commit)


def test_a_claimed_reference_is_found(folder: Path, registry: Registry) -> None:
    _edited(_path(folder, KINDS[2]), _set("trust", "claimed"), _set("bundle", "b" * 64))
    assert "references must be measured" in _found(folder, registry)


def test_what_is_no_record_is_named(folder: Path, registry: Registry) -> None:
    place = folder / "digits-xarch"
    (place / "notes.txt").write_text("hello")
    (place / "link.json").symlink_to(_path(folder))
    (place / "deep").mkdir()
    (place / "deep" / "x.json").write_text('{"key": 1, "key": 2}')
    if hasattr(os, "mkfifo"):
        os.mkfifo(place / "fifo.json")
    found = _found(folder, registry)
    assert "notes.txt: the record is no JSON" in found
    assert "link.json: it cannot be read: it is a link" in found
    assert "x.json: the record is no JSON that can be taken: a key is repeated" in found
    assert not hasattr(os, "mkfifo") or "fifo.json: it cannot be read: it is no plain file" in found


def test_a_file_elsewhere_and_no_folder_are_refused(folder: Path, registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in"):
        check_files.check(folder, registry, [tmp_path.parent / "x.json"])
    with pytest.raises(UsageError, match="is no folder of records"):
        check_files.check(folder / "nowhere", registry)


def test_the_command_answers_in_json(folder: Path, data_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _edited(_path(folder), _set("runs", 0, "updates", 7))
    assert main(["--json", "results", "check", "--records", str(folder)]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert list(answer["findings"]) == [str(path)]
    assert answer["counts"]["records"] == 5
