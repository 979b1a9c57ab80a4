"""``dqbench data`` as its user sees it: answers on stdout, one line of error, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dqbench.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path / "mine.npz"
    x, y = rng.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8), np.arange(40) % 10
    np.savez(path, x_train=x[:20], y_train=y[:20], x_test=x[20:], y_test=y[20:])
    return path


def test_list_knows_what_is_not_there_yet(data_root: Path, capsys: Capture) -> None:
    assert main(["data", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["cifar10"]["state"] == "not here"
    assert rows["digits"]["state"] == "made on first use"
    assert not data_root.exists()


def test_get_digits_list_and_verify(data_root: Path, capsys: Capture) -> None:
    assert main(["data", "get", "digits"]) == 0
    out = capsys.readouterr().out
    assert "digits: 1,297 training and 500 test images, 8×8×1, 10 classes, bundled" in out
    assert main(["data", "get", "digits", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["notes"] == ["it was there already"]
    assert found["train_hash"] in out
    assert main(["data", "list"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("digits")]
    assert line.split() == [
        *["digits", "bundled", "bundled", "1,297", "500", "8×8×1"], found["train_hash"][:12], str(data_root / "digits")
    ]  # fmt: skip
    assert main(["data", "verify"]) == 0
    assert f"digits: intact, train {found['train_hash']}" in capsys.readouterr().out


def test_import_of_a_part_of_cifar10_says_so(data_root: Path, npz: Path, capsys: Capture) -> None:
    assert main(["data", "import", "cifar10", str(npz)]) == 0
    out = capsys.readouterr().out
    assert "cifar10: 20 training and 20 test images, 32×32×3, 10 classes, imported" in out
    assert "note: 20 training images; the official set has 50,000" in out
    assert main(["data", "import", "cifar10", str(npz), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"][-1] == "took the place of the cifar10 that was there"


def test_import_under_a_name_of_ones_own(data_root: Path, npz: Path, capsys: Capture) -> None:
    assert main(["data", "import", "my-photos", str(npz)]) == 0
    capsys.readouterr()
    assert main(["data", "list", "--json"]) == 0
    (row,) = [row for row in json.loads(capsys.readouterr().out) if row["name"] == "my-photos"]
    assert (row["origin"], row["state"], row["dataset"]["train_count"]) == ("import", "imported", 20)


def test_verify_names_the_damaged_one_and_goes_on(data_root: Path, npz: Path, capsys: Capture) -> None:
    for name in ("aa", "bb"):
        assert main(["data", "import", name, str(npz)]) == 0
    path = data_root / "aa" / "train_images.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    capsys.readouterr()
    assert main(["data", "verify"]) == 2
    out, err = capsys.readouterr()
    assert "bb: intact" in out
    assert "aa: " not in out
    assert err.count("\n") == 1
    assert "aa in" in err
    assert "is damaged" in err
    assert main(["data", "verify", "bb"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data", "verify", "cifar10"], "cifar10 is not in"),
        (["data", "get", "cifar"], "did you mean cifar10?"),
        (["data", "import", "cifar10", "nowhere.npz"], "nowhere.npz is not there"),
        (["data", "import", "Bad/Name", "MINE"], "not usable"),
        (["data", "import", "digits", "MINE"], "images are 32×32×3, but those of digits are 8×8×1"),
        (["data", "import", "cifar10"], "FILE.npz"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    data_root: Path, npz: Path, capsys: Capture, words: list[str], message: str
) -> None:
    assert main([str(npz) if word == "MINE" else word for word in words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert not data_root.exists()


def test_a_data_folder_that_cannot_be_written(
    tmp_path: Path, npz: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("DQBENCH_DATA", str(npz / "below-a-file"))
    assert main(["data", "import", "mine", str(npz)]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_list_loads_neither_numpy_nor_torch(data_root: Path) -> None:
    code = "import sys; from dqbench.cli import main; main(['data', 'list'])\n"
    code += "assert not {'numpy', 'torch', 'sklearn', 'PIL'} & set(sys.modules), 'heavy'"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, stdout=subprocess.DEVNULL)


@pytest.mark.real_data
def test_real_cifar10_by_the_command(cifar10_npz: Path, data_root: Path, capsys: Capture) -> None:
    assert main(["data", "import", "cifar10", str(cifar10_npz)]) == 0
    assert "2,500 training and 2,500 test images, 32×32×3, 10 classes, imported" in capsys.readouterr().out
    assert main(["data", "verify", "cifar10"]) == 0
