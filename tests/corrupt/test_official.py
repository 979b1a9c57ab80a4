"""The official arrays: what is refused, what is stored, how they are held against generated images."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dqbench.cli import main
from dqbench.corrupt import official, stored
from dqbench.data.arrays import Arrays
from dqbench.data.companion import read_companion
from dqbench.errors import UsageError

Capture = pytest.CaptureFixture[str]


def change(path: Path, how: Callable[[np.ndarray], np.ndarray]) -> None:  # type: ignore[type-arg]
    np.save(path, how(np.load(path, allow_pickle=False).copy()), allow_pickle=False)


def test_an_import_is_stored_and_memory_mapped(folder: Path, data_root: Path, capsys: Capture) -> None:
    assert main(["data", "import", "cifar10c", str(folder)]) == 0
    assert "cifar10c: imported" in capsys.readouterr().out
    found = read_companion("cifar10c")
    assert found is not None
    assert not (data_root / "cifar10c" / "speckle_noise.npy").exists()
    third = stored.of_severity(found, "fog", 3)
    assert isinstance(third, np.memmap)
    assert (third == np.load(folder / "fog.npy", allow_pickle=False)[40:60]).all()
    assert main(["data", "verify", "cifar10c"]) == 0


def test_list_and_verify_as_json(folder: Path, data_root: Path, capsys: Capture) -> None:
    assert main(["data", "list", "--json"]) == 0
    before = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert before["cifar10c"]["state"] == "not here"
    assert main(["data", "import", "cifar10c", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main(["data", "list", "--json"]) == 0
    after = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert after["cifar10c"]["state"] == "imported"
    assert after["cifar10c"]["companion"]["hash"] == told["hash"]
    assert main(["data", "verify", "--json"]) == 0
    assert {one["name"]: one["error"] for one in json.loads(capsys.readouterr().out)} == {
        "cifar10": None, "cifar10c": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("file", "how", "message"),
    [
        ("snow", lambda a: a[:-20], r"snow.npy holds uint8 of shape \(80, 32, 32, 3\); expected uint8 of shape"),
        ("snow", lambda a: a.astype(float), "snow.npy holds float64"),
        ("snow", lambda a: a[:, :16], r"of shape \(100, 16, 32, 3\)"),
        ("labels", lambda a: a[:20], r"labels.npy holds uint8 of shape \(20,\); expected 100 whole numbers"),
        ("labels", lambda a: a / 2, "holds float64"),
        ("labels", lambda a: a + 1, "does not hold the same 10,000 labels from 0 to 9"),
        ("labels", lambda a: np.roll(a, 1), "differs from the labels of cifar10's test set at 20 of"),
        ("labels", lambda a: np.append(np.roll(a[:20], 1), a[20:]), "does not hold the same 10,000 labels"),
    ],
)
def test_wrong_arrays_are_refused(folder: Path, file: str, how: Callable[..., np.ndarray], message: str) -> None:  # type: ignore[type-arg]
    change(folder / f"{file}.npy", how)
    with pytest.raises(UsageError, match=message):
        official.import_official(folder)
    assert read_companion("cifar10c") is None


def test_missing_corruptions_are_named(folder: Path) -> None:
    (folder / "fog.npy").unlink()
    (folder / "frost.npy").unlink()
    with pytest.raises(UsageError, match=r"lacks frost.npy, fog.npy; expected labels.npy and the 15 arrays"):
        official.import_official(folder)


def test_damaged_files_are_named(folder: Path) -> None:
    (folder / "fog.npy").write_bytes(b"no array")
    with pytest.raises(UsageError, match=r"fog.npy is no readable array"):
        official.import_official(folder)


def test_what_is_not_a_folder_is_refused_by_the_command(data_root: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["data", "import", "cifar10c", str(tmp_path / "nowhere")]) == 2
    assert "lacks gaussian_noise.npy" in capsys.readouterr().err


def test_arrays_of_another_test_set_are_refused_when_they_are_used(folder: Path, cifar10: Arrays) -> None:
    found = official.import_official(folder)
    stored.check_order(found, cifar10.y_test)
    with pytest.raises(UsageError, match="does not hold the 20 labels of the test set in its order"):
        stored.check_order(found, np.roll(cifar10.y_test, 1))


def test_damage_is_found(folder: Path, data_root: Path) -> None:
    official.import_official(folder)
    change(data_root / "cifar10c" / "fog.npy", lambda a: 255 - a)
    with pytest.raises(UsageError, match=r"fog\.npy of cifar10c"):
        official.verify_official()
    assert main(["data", "verify", "cifar10c"]) == 2


def test_compare_finds_equal_images_equal_and_others_not(folder: Path, capsys: Capture) -> None:
    change(folder / "contrast.npy", lambda a: np.where(np.arange(100)[:, None, None, None] >= 80, a ^ 1, a))
    official.import_official(folder)
    assert main(["data", "compare", "cifar10c", "--workers", "1", "--json"]) == 0
    found = {(one["corruption"], one["severity"]): one for one in json.loads(capsys.readouterr().out)}
    assert len(found) == 75
    different = found.pop(("contrast", 5))
    assert different["mean"] == 1
    assert different["psnr"] == pytest.approx(20 * np.log10(255))
    for one in found.values():
        assert (one["mean"], one["psnr"]) == (0, None)
        assert one["official"] == one["generated"] > 0


def test_compare_prints_a_table_of_a_part(folder: Path, capsys: Capture) -> None:
    official.import_official(folder)
    assert main(["data", "compare", "--severity", "2", "--per-class", "1", "--workers", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.split()[1] == "2" for line in lines[1:16]) == 15
    assert main(["data", "compare", "digits"]) == 2


def test_generating_into_a_folder(cifar10: Arrays, folder: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "made"
    assert main(["data", "corrupt", str(out), "--severity", "2", "--severity", "5", "--workers", "1"]) == 0
    theirs = np.load(folder / "frost.npy", allow_pickle=False)
    ours = np.load(out / "frost.npy", allow_pickle=False)
    assert (ours == np.concatenate([theirs[20:40], theirs[80:]])).all()
    assert (np.load(out / "labels.npy", allow_pickle=False) == np.tile(cifar10.y_test, 2)).all()
    assert main(["data", "corrupt", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_commands_without_data_say_what_to_run(data_root: Path, capsys: Capture) -> None:
    assert main(["data", "compare"]) == 2
    assert "run: dqbench data import cifar10c DIR" in capsys.readouterr().err
    assert main(["data", "get", "cifar10c"]) == 2
    assert "dqbench data import cifar10c DIR" in capsys.readouterr().err
    assert main(["data", "corrupt", str(data_root / "x")]) == 2
    assert "cifar10 is not in" in capsys.readouterr().err
