"""Shards of images: an observer of a draw, features of each shard, and then the same choice as of embeddings."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dqbench import compressed, plugins
from dqbench.data.image_shards import are_image_shards, open_image_shards
from dqbench.data.shards import open_shards
from dqbench.errors import UsageError
from dqbench.jobs import choosepart, embedshard, mergeparts, observeshards
from dqbench.jobs.job import Context
from dqbench.own_images.keep import observer_recipe
from dqbench.plan.shard_jobs import Rounds, plan_rounds
from dqbench.plan.shard_observer import Looking, observer_jobs
from dqbench.specs import Budget, ObserverSpec

SIDE = 32
REGISTRY = plugins.load(())
RUN = {
    "observeshards": observeshards.run, "embedshard": embedshard.run,
    "choosepart": choosepart.run, "mergeparts": mergeparts.run,
}  # fmt: skip


def png(i: int) -> bytes:
    pixels = np.random.default_rng(i).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def tar(path: Path, first: int, count: int) -> None:
    """WebDataset's form: an image and its class of each key."""
    with tarfile.open(path, "w") as made:
        for i in range(first, first + count):
            for name, data in ((f"{i:04d}.png", png(i)), (f"{i:04d}.cls", b"cat" if i % 2 else b"dog")):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                made.addfile(member, io.BytesIO(data))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("tars")
    tar(place / "s-0.tar", 0, 10)
    tar(place / "s-1.tar", 10, 14)
    return place


def planned(folder: Path, **more):
    shards = open_image_shards(folder)
    method = REGISTRY.methods["k-center"]
    rounds = Rounds(method, method.config(), Budget.ratio(0.25), **more)
    looking = Looking(ObserverSpec("resnet10-slim", observer_recipe(1, 20)), SIDE, 0, "cpu")
    return plan_rounds(shards, rounds, observer_jobs(shards, looking)), rounds


def done(plan, place: Path):
    for job in plan.jobs.values():
        out = place / job.folder
        if out.exists():
            continue
        out.mkdir(parents=True)
        inputs = {role: place / plan.jobs[key].folder for role, key in job.inputs.items()}
        RUN[job.kind](json.loads(json.dumps(job.spec)), inputs, out, Context("cpu"))
    return [compressed.load(place / plan.jobs[group.key].folder).ids.tolist() for group in plan.groups]


def test_images_are_chosen_as_their_features_would_be(folder: Path, tmp_path: Path) -> None:
    assert are_image_shards(folder)
    place = tmp_path / "jobs"
    plan, rounds = planned(folder)
    chosen = done(plan, place)
    assert [len(ids) for ids in chosen] == [3, 3]
    assert [{i % 2 for i in ids} for ids in chosen] == [{1}, {0}], "cat comes before dog"
    beside = tmp_path / "embedded"
    beside.mkdir()
    for number, job in enumerate(one for one in plan.jobs.values() if one.kind == "embedshard"):
        for name, target in (("features", f"s-{number}.npy"), ("labels", f"s-{number}.labels.npy")):
            np.save(beside / target, np.load(place / job.folder / f"{name}.npy"))
    assert done(plan_rounds(open_shards(beside), rounds), tmp_path / "others") == chosen
    again, _ = planned(folder, partition_rows=6)
    assert [len(group.parts) for group in again.groups] == [2, 2]
    assert [len(ids) for ids in done(again, place)] == [3, 3]


def test_a_shard_of_images_that_changed_is_embedded_again(folder: Path, tmp_path: Path) -> None:
    plan, _ = planned(folder)
    (tmp_path / "copy").mkdir()
    tar(tmp_path / "copy" / "s-0.tar", 0, 10)
    tar(tmp_path / "copy" / "s-1.tar", 40, 14)
    changed, _ = planned(tmp_path / "copy")
    embeds = [job for job in plan.jobs.values() if job.kind == "embedshard"]
    network = next(job for job in changed.jobs.values() if job.kind == "observeshards")
    stale = replace(network, spec={**network.spec, "shards": [
        {**words, "state": {**words["state"], "size": 1}} for words in network.spec["shards"]
    ]})  # fmt: skip
    with pytest.raises(UsageError, match="changed since this was planned"):
        observeshards.run(stale.spec, {}, tmp_path, Context("cpu"))
    assert not {job.key for job in embeds} & changed.jobs.keys()


def test_folders_of_several_kinds_and_of_test_sets(tmp_path: Path) -> None:
    tar(tmp_path / "train-0.tar", 0, 2)
    tar(tmp_path / "test-0.tar", 2, 2)
    with pytest.raises(UsageError, match=r"test-0\.tar, of a test set by its name"):
        open_image_shards(tmp_path)
    (tmp_path / "x.parquet").touch()
    with pytest.raises(UsageError, match=r"has \.parquet and \.tar files"):
        open_image_shards(tmp_path)
