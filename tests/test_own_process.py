"""Tests in a process of their own: each is reported, and who ends the process fails alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import own_process
import pytest

TESTS = """
import os, signal, warnings
import pytest

pytestmark = [pytest.mark.own_process, pytest.mark.xdist_group("one")]

@pytest.fixture(scope="module")
def pid():
    return os.getpid()

def test_first(pid):
    assert pid == os.getpid()

@pytest.mark.parametrize("text", ["a@one", "b::c", "d[e]"])
def test_names(text):
    pass

def test_is_killed():
    print("near the end", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

def test_after():
    pass

def test_exits():
    os._exit(0)

def test_skips():
    pytest.skip("no reason")

def test_fails():
    assert 1 == 2, "so it is"

@pytest.fixture
def broken():
    yield
    raise ValueError("at the end")

def test_breaks_after(broken):
    pass
"""


RAY = """
import os, pathlib
import pytest

pytestmark = pytest.mark.own_process

def end(name, times):
    met = pathlib.Path(__file__).with_name(name)
    met.write_text(met.read_text() + "x" if met.exists() else "x")
    if len(met.read_text()) <= times:
        print("You have likely discovered a bug in Ray.", flush=True)
        os._exit(1)

def test_before():
    pass

def test_once():
    end("once", 1)

def test_always():
    end("always", 9)

def test_after():
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of tests, of which one is outside."""
    place = str(Path(own_process.__file__).parent)
    (tmp_path / "conftest.py").write_text(
        f"import sys\nsys.path.append({place!r})\npytest_plugins = ['own_process']\n"
        "def pytest_configure(config):\n    config.addinivalue_line('markers', 'xdist_group(name): of xdist')\n"
        "    config.addinivalue_line('markers', 'own_process: apart')\n"
    )
    (tmp_path / "test_inside.py").write_text(TESTS)
    (tmp_path / "test_outside.py").write_text("def test_plain():\n    pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -ra --import-mode=importlib\n")
    return tmp_path


def _pytest(folder: Path, *options: str) -> tuple[int, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    env.pop(own_process.REPORTS, None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env=env,
        text=True,
        capture_output=True,
        timeout=1800,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("options", [(), ("-n", "2", "--dist", "loadgroup", "-v")], ids=["alone", "xdist"])
def test_a_death_fails_one_test_and_the_rest_run(folder: Path, options: tuple[str, ...]) -> None:
    code, said = _pytest(folder, *options)
    assert code == 1, said
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|skipped|error)", said)}
    assert counts == {"passed": 7, "failed": 3, "skipped": 1, "error": 1}, said
    assert "the process of this test was ended by SIGKILL" in said
    assert "near the end" in said
    assert "the process of this test ended with code 0" in said
    assert "so it is" in said
    assert "node down" not in said
    assert len(set(re.findall(r"^\[(gw\d)\].*test_inside", said, re.M))) == (1 if options else 0), said


def test_only_what_is_asked_for_runs(folder: Path) -> None:
    code, said = _pytest(folder, "-k", "first or names")
    assert code == 0, said
    assert "4 passed" in said


def test_a_module_that_cannot_be_imported_in_the_child_fails_its_tests(folder: Path) -> None:
    text = f"import os\nif {own_process.REPORTS!r} in os.environ:\n    raise RuntimeError('not in here')\n{TESTS}"
    (folder / "test_inside.py").write_text(text)
    code, said = _pytest(folder, "-k", "first")
    assert code == 1, said
    assert "not in here" in said


def test_a_fault_of_rays_own_is_tried_once_more(folder: Path) -> None:
    (folder / "test_inside.py").write_text(RAY)
    code, output = _pytest(folder, "-rA", "test_inside.py")
    assert code == 1
    passed = {"test_before", "test_once", "test_after"}
    assert set(re.findall(r"^PASSED \S+::(\w+)", output, re.M)) == passed
    assert re.findall(r"^FAILED \S+::(\w+)", output, re.M) == ["test_always"]
    assert (folder / "always").read_text() == "xx"
    assert "test_once runs once more, as Ray ended its process" in output
