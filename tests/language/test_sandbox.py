"""Programs that are shut in: what passes, and what they cannot do. Attacks that work would fail here."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from dqbench.errors import UsageError
from dqbench.language import sandbox


@pytest.fixture(autouse=True)
def shut_in() -> None:
    if why := sandbox.unavailable():
        pytest.skip(f"{why}: THE TESTS OF THE SANDBOX DID NOT RUN")


def test_a_program_passes_where_it_ends_without_an_error() -> None:
    assert sandbox.passes("assert sum(range(4)) == 6")
    assert not sandbox.passes("assert sum(range(4)) == 7")
    assert not sandbox.passes("def f(:")


@pytest.mark.parametrize("end", ["import os; os._exit(0)", "import sys; sys.exit(0)", "raise SystemExit"])
def test_ending_early_is_not_passing(end: str) -> None:
    assert not sandbox.passes(end)


def test_it_cannot_write_delete_or_change_files_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Path.home() / f".dqbench-sandbox-{tmp_path.name}"
    there.write_text("mine")
    try:
        for deed in ("open(p, 'w')", "os.remove(p)", "os.chmod(p, 0)", "os.rename(p, p + 'x')", "os.mkdir(p + 'd')"):
            assert not sandbox.passes(f"import os\np = {str(there)!r}\n{deed}"), deed
        assert there.read_text() == "mine"
    finally:
        there.unlink()


def test_what_it_writes_in_its_room_is_gone(tmp_path: Path) -> None:
    assert sandbox.passes("open('/tmp/dqbench-left-behind', 'w').write('x')")
    assert not Path("/tmp/dqbench-left-behind").exists()


def test_it_has_no_network() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert not sandbox.passes(f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)")


def test_it_cannot_undo_what_shuts_it_in() -> None:
    undone = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "assert libc.mount(b'none', b'/', None, 4096 | 32, None) == 0"  # MS_BIND | MS_REMOUNT, without read-only
    )
    assert not sandbox.passes(undone)
    anew = (
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "assert libc.unshare(0x10000000 | 0x00020000) == 0\n"  # user and mount namespaces of its own
        "assert libc.mount(b'none', b'/', None, 4096 | 32, None) == 0"
    )
    assert not sandbox.passes(anew)
    assert not sandbox.passes("import os; os.setuid(0)")


def test_it_sees_and_signals_no_process_outside() -> None:
    import os

    assert not sandbox.passes(f"import os; os.kill({os.getpid()}, 0)")
    assert sandbox.passes("import os; assert os.getpid() == 1")


def test_time_and_memory_are_limited() -> None:
    assert not sandbox.passes("while True: pass", seconds=1)
    assert not sandbox.passes("import time; time.sleep(60)", seconds=1)
    assert not sandbox.passes("x = bytearray(1 << 29)", memory=1 << 28)
    assert not sandbox.passes("while True: print('x' * 1000)", seconds=5)


@pytest.mark.parametrize(
    "birth",
    [
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "__import__('subprocess').run(['/bin/true'])",
        "__import__('threading').Thread(target=print).start()",
        "__import__('ctypes').CDLL(None).vfork() > -1 or 1 / 0",
    ],
)
def test_it_starts_nothing(birth: str) -> None:
    """One try each, never a loop: a limit on processes does not hold where the tests run as root."""
    assert not sandbox.passes(f"import os\n{birth}")


def test_without_a_sandbox_nothing_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sandbox, "unavailable", lambda: "no namespaces")
    ran = tmp_path / "ran"
    with pytest.raises(UsageError, match=r"cannot be shut in here \(no namespaces\); leave --allow-code out"):
        sandbox.passes(f"open({str(ran)!r}, 'w')")
    assert not ran.exists()
