"""``--set data.noise``: it is in the keys of every job that reads the training set, and in the facts of records."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from dqbench import plugins
from dqbench.bundles.check_record import request_of
from dqbench.data import store
from dqbench.errors import UsageError
from dqbench.jobs.inputs import open_source
from dqbench.plan.grid import plan
from dqbench.plan.plan import Plan
from dqbench.plan.request import Request


def ask(*settings: str) -> Plan:
    request = Request(tasks=("digits-xarch",), methods=("el2n",), keeps=(0.1,), archs=("digits-mlp",), seeds=1,
                      settings=settings, profile="smoke")  # fmt: skip
    return plan(request, plugins.load(), "cpu")


def test_without_it_nothing_changes_and_with_it_every_key_does(data_root: Path) -> None:
    plain, same, noisy = ask(), ask("data.noise=0", "data.draw=3"), ask("data.noise=0.2")
    assert plain.jobs.keys() == same.jobs.keys()
    assert not plain.jobs.keys() & noisy.jobs.keys()
    assert "altered" not in str(plain.cells[0].source.model_dump())
    assert {cell.key for cell in plain.cells} == {cell.key for cell in same.cells}
    for other in ("data.noise=0.3", "data.imbalance=10"):
        assert not noisy.jobs.keys() & ask(other).jobs.keys()


def test_records_say_what_was_done_and_jobs_open_it(data_root: Path) -> None:
    made = ask("data.noise=0.2", "data.imbalance=10")
    source = made.cells[0].source
    assert source.altered is not None
    assert (source.altered.noise, source.altered.imbalance) == (0.2, 10)
    assert source.train_samples < store.read_info("digits").train_count  # type: ignore[union-attr]
    assert source.train_hash == store.read_info("digits").train_hash  # type: ignore[union-attr]
    (job,) = [job for job in made.jobs.values() if job.kind == "train" and job.spec.get("purpose") == "observer"]
    opened = open_source(job.spec["source"])
    truth = store.open_train("digits").labels[opened.ids]
    assert int((opened.labels != truth).sum()) == source.altered.replaced > 0
    assert len(opened) == source.train_samples


def test_another_alteration_than_was_planned_is_refused(data_root: Path) -> None:
    job = next(job for job in ask("data.noise=0.2").jobs.values() if job.kind == "train")
    spec = {**job.spec["source"], "altered": {**job.spec["source"]["altered"], "draw": 7}}
    with pytest.raises(UsageError, match="altered in another way"):
        open_source(spec)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("data.noise=2", "data.noise=2"),
        ("data.noize=0.2", "noise"),
        ("data.noise=0.1,0.2", "gives 2 values"),
        ("data.imbalance=0", "data.imbalance=0"),
    ],
)
def test_wrong_settings_are_refused(data_root: Path, setting: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ask(setting)


def test_it_is_set_once(data_root: Path) -> None:
    with pytest.raises(UsageError, match="set twice"):
        ask("data.noise=0.1", "data.noise=0.2")


def test_a_bundle_asks_for_the_same_cell_again(data_root: Path) -> None:
    made, registry = ask("data.noise=0.2", "data.imbalance=10", "data.draw=4", "observer.epochs=3"), plugins.load()
    for planned in made.cells:
        record = SimpleNamespace(cell=planned.cell, source=planned.source, runs=[])
        again = plan(request_of(record, registry), registry, "cpu")  # type: ignore[arg-type]
        assert planned.key in {cell.key for cell in again.cells}
        assert planned.source in [cell.source for cell in again.cells]
