"""Dropped patches with every regime of labels on the whole road: what is stored, and what is learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dqbench import api
from dqbench.records import Record


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Record]:
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("patched-regimes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQBENCH_DATA", str(folder / "data"))
        done = api.run(
            ["dq"], ["digits-xarch"], ipcs=[5], archs=["digits-mlp"], seeds=1, labels=["hard", "soft", "teacher"],
            settings=["dq.drop=0.25", "dq.importance=random", "dq.mae_epochs=1", "recipe.epochs=3"],
            workspace=folder / "ws",
        )  # fmt: skip
    assert [record.status for record in done] == ["done"] * 12
    return {(r.cell.method + (" dropped" if r.cell.variant else ""), r.cell.labels): r for r in done} | {
        ("workspace", ""): folder / "ws"  # type: ignore[dict-item]
    }


@pytest.mark.parametrize("method", ["dq dropped", "random dropped"])
@pytest.mark.parametrize("labels", ["hard", "soft", "teacher"])
def test_patches_labels_and_networks_are_counted_by_their_files(
    found: dict[tuple[str, str], Record], method: str, labels: str
) -> None:
    (run,) = found[method, labels].runs
    artifacts = Path(str(found["workspace", ""])) / "artifacts"
    stored = artifacts / f"pixels-{run.jobs['pixels'][0][:24]}"
    sizes = {part: (stored / f"{part}.npy").stat().st_size for part in ("patches", "masks", "labels")}
    decoder = artifacts / f"pretrain-{run.jobs['pretrain'][0][:24]}" / "model.safetensors"
    wanted = {**sizes, "decoder": decoder.stat().st_size}
    if labels == "soft":
        regions = artifacts / f"relabel-{run.jobs['relabel'][0][:24]}"
        files = [path for path in regions.iterdir() if path.name not in ("job.json", "result.json")]
        wanted["labels"] = sum(path.stat().st_size for path in files)
    if labels == "teacher":
        del wanted["labels"]
        teacher = artifacts / f"train-{run.jobs['teacher'][0][:24]}" / "model.safetensors"
        wanted["teacher"] = teacher.stat().st_size
    assert run.bytes_parts == wanted
    assert run.bytes == sum(wanted.values())
    assert run.kept_pixels == pytest.approx(50 / 1297 * 0.75)


def test_every_regime_trains_on_the_same_rebuilt_images(found: dict[tuple[str, str], Record]) -> None:
    for method in ("dq dropped", "random dropped"):
        runs = [found[method, labels].runs[0] for labels in ("hard", "soft", "teacher")]
        assert len({run.kept_hash for run in runs}) == 1
        assert len({run.notes["psnr_db"] for run in runs}) == 1
        assert len({tuple(run.jobs["pretrain"]) for run in runs}) == 1
        assert all(run.score > 20 for run in runs)


def test_soft_labels_are_those_of_rebuilt_images(found: dict[tuple[str, str], Record]) -> None:
    artifacts = Path(str(found["workspace", ""])) / "artifacts"
    whole, dropped = (
        np.load(artifacts / f"relabel-{key[:24]}" / "probabilities.npy", allow_pickle=False)
        for key in (found[method, "soft"].runs[0].jobs["relabel"][0] for method in ("random", "random dropped"))
    )
    assert whole.shape == dropped.shape == (3, 50, 10), "the same samples in the same views"
    assert not np.array_equal(whole, dropped)
