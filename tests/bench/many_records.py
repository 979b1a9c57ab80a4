"""What boards of very many records take: ``many_records.py [RECORDS] [--folder DIR] [--again]``.

Records are made up, as large as real ones: five seeds with curves of thirty epochs, an observer, notes. Tasks have 25
methods at 8 keep ratios on 5 networks, random and full data among them. Figures are CPU seconds and the peak of memory
of a process of its own; the second figure is that of boards that are up to date, the third after one record more.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

import numpy as np

from dqbench import checksums, records
from dqbench.records import Cell, JobFacts, Machine, Plugin, Record, Run, SeedPlan, SourceFacts, Versions
from dqbench.specs import Budget, Recipe

TASK = "task-000"
METHODS = ("random", *(f"method-{number:02d}" for number in range(24)))
KEEPS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
ARCHS = ("resnet10-slim", "convnet3-slim", "vgg11", "vit-tiny", "fastnet-slim")
SEEDS, EPOCHS, SAMPLES = 5, 30, 50_000
RECIPE = Recipe(name="made-30", epochs=EPOCHS, batch_size=64, lr=0.1)
OBSERVER = Recipe(name="observer-10", epochs=10, batch_size=64, lr=0.1)
COMMAND = "dqbench run --method {} --task {} --profile proxy --keep {} --arch {} --seeds 5"


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _roles(task: str, method: str, keep: float, arch: str, seed: int) -> dict[str, list[str]]:
    roles: dict[str, list[str]] = {}
    if method not in ("full", "random"):
        roles = {role: [_key(role, task, seed)] for role in ("observer", "observe")}
        roles["prepare"] = [_key("prepare", task, method, seed)]
    if method != "full":
        roles["compress"] = [_key("compress", task, method, keep, seed)]
    return {**roles, **{role: [_key(role, task, method, keep, arch, seed)] for role in ("train", "evaluate")}}


def _facts(kind: str, rng: np.random.Generator) -> JobFacts:
    return JobFacts(
        kind=kind,
        wall_s=round(float(rng.gamma(5)), 4),
        peak_host_gib=round(float(rng.uniform(0.5, 1)), 4),
        peak_device_gib=0.0,
        device="cpu",
        started="2026-01-01T10:00:00.123+00:00",
        ended="2026-01-01T10:01:00.456+00:00",
    )


def _run(seed: int, keep: float, jobs: dict[str, list[str]], rng: np.random.Generator) -> Run:
    score = round(float(60 + 30 * keep**0.5 + rng.normal()), 2)
    losses = np.exp(-np.arange(EPOCHS) / 10) + rng.uniform(0, 0.1, EPOCHS)
    samples = round(SAMPLES * keep)
    return Run(
        seed=seed,
        score=score,
        metrics={"top1": score, "per_class": [round(float(value), 1) for value in rng.normal(score, 5, 10)]},
        curve=[{"epoch": i + 1.0, "loss": x, "accuracy": 1 - x / 2, "lr": 0.1} for i, x in enumerate(losses.tolist())],
        samples=samples,
        bytes=samples * 3073,
        bytes_parts={"images": samples * 3072, "labels": samples},
        updates=-(-samples // 64) * EPOCHS,
        kept_hash=None if "compress" not in jobs else _key("kept", jobs["compress"]),
        test_reads=1,
        notes={"kept_per_bin": [round(samples / 10)] * 10, "importance": rng.uniform(0, 2, 10).tolist()},
        jobs=jobs,
    )


def record(task: str, method: str, keep: float, arch: str) -> Record:
    """A made-up record; always the same for the same cell."""
    rng = np.random.default_rng(int(_key(task, method, keep, arch)[:12], 16))
    budget = Budget.full() if method == "full" else Budget.ratio(keep)
    observed = method not in ("full", "random")
    runs = [_run(seed, keep, _roles(task, method, keep, arch, seed), rng) for seed in range(SEEDS)]
    kinds = {key: role for run in runs for role, keys in run.jobs.items() for key in keys}
    own = Plugin(distribution="dqbench 0.1.0", source_hash=_key("code", method))
    return Record(
        key=_key(task, method, keep, arch, "cell"),
        status="done",
        cell=Cell(
            task=task,
            task_version=1,
            profile="proxy",
            method=method,
            method_version=1,
            method_kind="selection",
            config={"scope": "class", "lam": 1.0, "bins": 10, "metric": "cosine"} if observed else {},
            budget_kind=budget.kind,
            budget_value=budget.value,
            arch=arch,
            seeds=tuple(range(SEEDS)),
            recipe=RECIPE,
            observer_arch="resnet10-slim" if observed else None,
            observer_recipe=OBSERVER if observed else None,
            metric="top1",
            precision="fp32",
        ),
        source=SourceFacts(
            dataset="cifar10",
            provenance="imported",
            train_hash=_key("train"),
            test_hash=_key("test"),
            train_per_class=None,
            test_per_class=None,
            train_samples=SAMPLES,
            test_samples=10_000,
            classes=10,
        ),
        runs=runs,
        jobs={key: _facts(kind, rng) for key, kind in kinds.items()},
        versions=Versions(
            dqbench="0.1.0",
            dqbench_hash=_key("dqbench"),
            method=None if method == "full" else own,
            task=own,
            packages={"python": "3.11.7", "torch": "2.12.1", "numpy": "2.4.6", "cuda": "none"},
            job_versions={"train": 2, "evaluate": 1},
        ),
        machine=Machine(device="cpu", cpu="a CPU", cores=2, threads=1),
        started="2026-01-01T10:00:00.123+00:00",
        ended="2026-01-01T10:01:00.456+00:00",
        command=COMMAND.format(method, task, keep, arch),
        planned=SeedPlan(seeds=SEEDS, blocks=1),
    )


def made_up() -> Iterator[Record]:
    """The records of one task: full data, then every cell."""
    yield from (record(TASK, "full", 1.0, arch) for arch in ARCHS)
    yield from (record(TASK, method, keep, arch) for method, keep, arch in product(METHODS, KEEPS, ARCHS))


def write(count: int, folder: Path) -> None:
    """So many records below ``folder``: those of one task, and copies of them as those of others."""
    paths = [records.write(one, folder) for one in islice(made_up(), count)]
    texts = [checksums.without(path.read_bytes()).decode() for path in paths]
    for number in range(len(paths), count):
        task, (path, text) = (
            f"task-{number // len(paths):03d}",
            (paths[number % len(paths)], texts[number % len(paths)]),
        )
        copy = folder / task / path.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(checksums.with_checksum(text.replace(TASK, task)))


def measured(folder: Path) -> tuple[float, float, int]:
    """CPU seconds, GiB and lines of what ``dqbench leaderboard`` of the records in ``folder/records`` takes."""
    code = f"from dqbench.cli import main; main(['leaderboard', '--records', {str(folder / 'records')!r}, '--no-html'])"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code + "\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = done.stdout.splitlines()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, int(lines[-1]) / 2**20, len(lines) - 1


def _shown(what: str, folder: Path) -> None:
    cpu, memory, lines = measured(folder)
    print(f"{what}: {cpu:.1f} CPU seconds, {memory:.2f} GiB, {lines} lines", flush=True)


def main() -> None:
    """Write the records and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=int, nargs="?", default=2_000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        write(asked.records, folder / "records")
        _shown(f"{asked.records} records, no boards", folder)
        _shown("the same again", folder)
        more = records.write(record(TASK, "random", 0.9, ARCHS[0]), folder / "records")
        _shown("one record more", folder)
        more.unlink()


if __name__ == "__main__":
    main()
