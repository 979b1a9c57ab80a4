"""The train job on images in files: several processes give what one gives, and a killed one goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from dqbench.data import store
from dqbench.data.image_set import find_image_set
from dqbench.data.in_files import index_set, put_files
from dqbench.errors import UsageError
from dqbench.jobs import train
from dqbench.jobs.distributed import _first_cause, distributed
from dqbench.jobs.job import Context
from dqbench.specs import Recipe, TimmRecipe, passes_per_step

FULL = TimmRecipe(pass_size=4, auto_augment="rand-m9-mstd0.5-inc1", erase=0.3, mixup=0.8, cutmix=1.0, ema=0.9)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def photos(data_root: Path, tmp_path: Path) -> Path:
    """A data set in files: 2 classes, 11 training and 2 test images each, dark above or dark below."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 11), ("val", 2)):
        for label, name in enumerate(("above", "below")):
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(100, 255, (44, 48 + i, 3)).astype(np.uint8)
                pixels[22 * label : 22 * (label + 1)] //= 4
                Image.fromarray(pixels).save(folder / f"{i:02}.png")
    found = find_image_set(tmp_path / "photos")
    put_files("photos", index_set(found, tmp_path / "photos"), 32)
    return tmp_path / "photos"


def spec(timm: TimmRecipe = FULL, arch: str = "resnet10-slim", **options: Any) -> dict[str, Any]:
    chosen = {"name": "", "epochs": 2, "batch_size": 12, "optimizer": "nesterov", "lr": 0.05, **options}
    recipe = Recipe.model_validate({**chosen, "timm": timm})
    return {
        "source": {"dataset": "photos", "hash": store.open_train("photos").content_hash, "per_class": None},
        "arch": arch,
        "recipe": recipe.model_dump(mode="json", exclude={"name"}),
        "seed": 0,
        "precision": "fp32",
        "snapshots": 0,
    }


def trained(wanted: dict[str, Any], out: Path, **context: Any) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    out.mkdir()
    facts = train.run(wanted, {}, out, Context("cpu", **context))
    return load_file(out / "model.safetensors"), facts


@pytest.mark.usefixtures("photos")
def test_two_processes_train_what_one_trains(tmp_path: Path) -> None:
    alone, one = trained(spec(), tmp_path / "one")
    shared, two = trained(spec(), tmp_path / "two", devices=2)
    assert set(alone) == set(shared)
    for name, value in alone.items():
        torch.testing.assert_close(shared[name], value, rtol=2e-3, atol=2e-5)
    for before, after in zip(one["curve"], two["curve"], strict=True):
        assert after == pytest.approx(before, rel=1e-3)
    assert {name: value for name, value in one.items() if name != "curve"} == {
        name: value for name, value in two.items() if name != "curve"
    }


@pytest.mark.usefixtures("photos")
def test_what_another_process_cannot_read_is_said_in_its_words(photos: Path, tmp_path: Path) -> None:
    wanted = spec()
    for image in (photos / "train" / "below").iterdir():
        image.write_bytes(bytes(image.stat().st_size))
    with pytest.raises(UsageError, match=r"^image .*below.*\.png cannot be read"):
        trained(wanted, tmp_path / "two", devices=2)


def test_a_process_that_ends_before_it_is_met_is_not_waited_for() -> None:
    """By torch's own rule the first would wait half an hour."""

    def work(*_: Any) -> None: ...

    work.__module__ = "no_such_module_here"
    with (
        pytest.raises(UsageError, match=r"target 'no_such_module_here:.* cannot be loaded"),
        distributed(work, {}, {}, Context("cpu"), 2),
    ):
        raise AssertionError("nobody is there to work with")


@pytest.mark.parametrize(("batch", "size", "passes"), [(12, 4, 3), (14, 4, 3), (12, 16, 1), (12, None, 1)])
def test_so_many_devices_can_share_a_step(batch: int, size: int | None, passes: int) -> None:
    recipe = Recipe(name="", epochs=1, batch_size=batch, lr=1, timm=TimmRecipe(pass_size=size))
    words = recipe.model_dump(mode="json", exclude={"name"})
    assert passes_per_step(words) == passes
    assert passes_per_step({"batch_size": batch}) == 1


RUN = """
import json, os, signal, sys
from pathlib import Path
import torch
from dqbench.jobs import train
from dqbench.jobs.job import Context
from dqbench.train.resuming import Checkpoint
torch.set_num_threads(1)
write = Checkpoint.write
def killed(self, epoch, *rest):
    write(self, epoch, *rest)
    if epoch == 3:
        os.kill(os.getpid(), signal.SIGKILL)
Checkpoint.write = killed
spec, out, scratch = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
out.mkdir()
train.run(spec, {}, out, Context("cpu", scratch=scratch))
"""


@pytest.mark.usefixtures("photos")
def test_a_training_killed_by_the_system_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    wanted, scratch = spec(epochs=5), tmp_path / "scratch"
    arguments = [json.dumps(wanted), str(tmp_path / "killed"), str(scratch)]
    process = subprocess.Popen([sys.executable, "-c", RUN, *arguments], env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert process.wait() == -signal.SIGKILL
    with safe_open(scratch / "training.safetensors", framework="pt") as file:
        assert int(file.metadata()["count"]) == 3
    went_on, told = trained(wanted, tmp_path / "went-on", scratch=scratch)
    undisturbed, expected = trained(wanted, tmp_path / "undisturbed")
    assert all(torch.equal(went_on[name], undisturbed[name]) for name in undisturbed)
    assert told == expected


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        ('{"usage": true, "message": "image x cannot be read"}', UsageError, "^image x cannot be read$"),
        ('{"usage": false, "message": "out of memory"}', RuntimeError, "process 1 of this .*: out of memory"),
        (None, RuntimeError, "process 1 of this training ended early: exit code 3"),
    ],
)
def test_the_first_process_that_failed_says_why(
    tmp_path: Path, said: str | None, kind: type[Exception], message: str
) -> None:
    if said:
        (tmp_path / "error-1.json").write_text(said)
    other = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    cause = _first_cause(tmp_path, [other], RuntimeError("connection closed by peer"))
    assert type(cause) is kind
    with pytest.raises(kind, match=message):
        raise cause
