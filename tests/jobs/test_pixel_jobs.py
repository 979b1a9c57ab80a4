"""The jobs behind dropped patches, on real digits: bytes are those of the files, and training sees rebuilt images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqbench import compressed, plugins
from dqbench.compressed import Patches, Subset
from dqbench.data import store
from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.jobs import pixels, pretrain, train
from dqbench.jobs.compress import content_hash
from dqbench.jobs.job import Context
from dqbench.pixels.options import folder_hash, mae_recipe
from dqbench.pixels.rebuild import psnr, rebuild
from dqbench.specs import Recipe

CONTEXT = Context("cpu")
RECIPE = Recipe(name="", epochs=1, batch_size=32, lr=0.01).model_dump(mode="json", exclude={"name"})


@pytest.fixture
def source(data_root: Path) -> Source:
    store.info("digits", plugins.load())
    return store.open_train("digits", 20)


def spec_of(source: Source, **more: Any) -> dict[str, Any]:
    return {"source": {"dataset": "digits", "hash": source.content_hash, "per_class": 20}, "seed": 0, **more}


def drop(source: Source, tmp_path: Path, **options: Any) -> tuple[Path, dict[str, Any]]:
    """The folder and facts of a pixels job on 60 samples of the digits."""
    kept, out = tmp_path / "kept", tmp_path / "pixels"
    out.mkdir()
    weights = np.linspace(1, 2, 60) if options.pop("weighted", False) else None
    compressed.save(Subset(source.ids[::3][:60], weights=weights), kept)
    spec = spec_of(source, pixels={"drop": 0.25, "patch_size": 2, "importance": "random", **options})
    return out, pixels.run(spec, {"kept": kept}, out, CONTEXT)


def trained(source: Source, tmp_path: Path, inputs: dict[str, Path], **more: Any) -> dict[str, Any]:
    out = tmp_path / "net"
    out.mkdir()
    spec = spec_of(source, arch="digits-mlp", recipe=RECIPE, precision="fp32", snapshots=0, **more)
    return train.run(spec, inputs, out, CONTEXT)


@pytest.mark.parametrize("shuffle", [False, True])
def test_bytes_are_those_of_the_files(source: Source, tmp_path: Path, shuffle: bool) -> None:
    out, facts = drop(source, tmp_path, shuffle=shuffle, weighted=True)
    assert facts["samples"] == 60
    assert facts["kept_pixels"] == pytest.approx(0.75 * 60 / 200)
    assert facts["notes"]["patches_kept"] == [12, 16]
    told = trained(source, tmp_path, {"kept": out}, fill="mean")
    sizes = {path.stem: path.stat().st_size for path in out.glob("*.npy")}
    names = {"key": "keys"}
    assert told["bytes_parts"] == {names.get(k, k): v for k, v in sizes.items() if k != "ids"}
    assert ("keys" in told["bytes_parts"]) == shuffle
    assert told["bytes"] == sum(told["bytes_parts"].values())


def test_the_psnr_is_that_of_what_is_trained_on(source: Source, tmp_path: Path) -> None:
    out, facts = drop(source, tmp_path)
    kept = compressed.load(out)
    assert isinstance(kept, Patches)
    assert content_hash(kept) == facts["kept_hash"]
    originals = source.images[source.positions(kept.ids)]
    for fill in ("mean", "zero"):
        told = trained(source, tmp_path / fill, {"kept": out}, fill=fill) if (tmp_path / fill).mkdir() is None else {}
        assert told["notes"]["psnr_db"] == pytest.approx(psnr(rebuild(kept, fill), originals), abs=1e-3)  # type: ignore[arg-type]
        assert told["samples"] == 60


def test_what_is_kept_is_named_by_all_of_it(source: Source, tmp_path: Path) -> None:
    kept = compressed.load(drop(source, tmp_path)[0])
    assert isinstance(kept, Patches)
    other = kept.masks.copy()
    other[[0, 1]] = other[[1, 0]]
    assert content_hash(Patches(**{**vars(kept), "masks": other})) != content_hash(kept)


def test_an_mae_of_the_source_rebuilds_and_its_bytes_count(source: Source, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="the extra pixels is not installed: NO MAE IS TESTED")
    out, _ = drop(source, tmp_path)
    decoder = tmp_path / "mae"
    decoder.mkdir()
    recipe = mae_recipe(1).model_dump(mode="json", exclude={"name"})
    spec = spec_of(source, patch_size=2, recipe=recipe, precision="fp32")
    assert len(pretrain.run(spec, {}, decoder, CONTEXT)["loss"]) == 1
    told = trained(source, tmp_path, {"kept": out, "decoder": decoder}, fill="mae")
    assert told["bytes_parts"]["decoder"] == (decoder / "model.safetensors").stat().st_size
    assert told["notes"]["psnr_db"] > 5
    (tmp_path / "named").mkdir()
    named = {"name": str(decoder), "sha256": folder_hash(str(decoder))}
    again = trained(source, tmp_path / "named", {"kept": out}, fill="mae", mae=named)
    assert again["notes"] == told["notes"], "the same MAE by its folder"
    (tmp_path / "changed").mkdir()
    (decoder / "config.json").write_text((decoder / "config.json").read_text() + " ")
    with pytest.raises(UsageError, match="changed since this run was planned"):
        trained(source, tmp_path / "changed", {"kept": out}, fill="mae", mae=named)


def test_the_whole_source_has_no_notes_of_rebuilding(source: Source, tmp_path: Path) -> None:
    told = trained(source, tmp_path, {})
    assert told["notes"] == {}
    assert set(told["bytes_parts"]) == {"images", "labels"}
