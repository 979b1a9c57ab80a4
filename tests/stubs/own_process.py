"""Runs tests marked ``own_process`` in a child pytest, a module at a time, and reports them as if they had run here.

A library may end its process, as Ray's driver does when its cluster is lost. Under pytest-xdist that is the death of a
worker, after which ``--dist loadgroup`` waits for ever (pytest-xdist issues 1323 and 1327). Here it is one failed test:
those after it run in another child. A test during which Ray found a fault of its own runs once more, with a warning.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPORTS = "DQBENCH_TESTS_REPORTS"
"""Where a child writes its reports, line by line; only children have it."""

LIMIT_S = 3600.0
RAYS_FAULT = "You have likely discovered a bug in Ray"
_TRIED = pytest.StashKey[bool]()
_DONE = pytest.StashKey[dict[str, list[pytest.TestReport]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_DONE] = {}
    if REPORTS in os.environ:
        config.pluginmanager.register(Teller(config))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of a group get the suffix that keeps them in one worker; what pytest-xdist 3.8 sets, pytest 9.2 ignores."""
    for item in items if getattr(config.option, "loadgroup", False) else ():
        if not item.nodeid.endswith(_suffix(item)) and hasattr(item, "_id"):
            item._id = type(item._id).parse(item.nodeid + _suffix(item))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Report what the child found of a marked test."""
    if REPORTS in os.environ or item.get_closest_marker("own_process") is None:
        return None
    done = item.config.stash[_DONE]
    while _name(item) not in done:
        done.update(_run(item))
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in done[_name(item)]:
        report.nodeid = item.nodeid
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_runtest_logstart(nodeid: str) -> None:
    _tell({"started": nodeid})


def pytest_runtest_logfinish(nodeid: str) -> None:
    _tell({"finished": nodeid})


class Teller:
    """In a child: passes reports on."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        _tell({"report": self.config.hook.pytest_report_to_serializable(config=self.config, report=report)})


def _tell(what: dict[str, Any]) -> None:
    if REPORTS in os.environ:
        with Path(os.environ[REPORTS]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(what) + "\n")


def _name(item: pytest.Item) -> str:
    """The node's id without the group that xdist appends."""
    return item.nodeid.removesuffix(_suffix(item))


def _suffix(item: pytest.Item) -> str:
    group = item.get_closest_marker("xdist_group")
    return f"@{group.args[0]}" if group else ""


def _run(item: pytest.Item) -> dict[str, list[pytest.TestReport]]:
    """Reports of the marked tests of the module that have none yet, this one first: of all up to a death."""
    known = item.config.stash[_DONE]
    own = [one for one in item.session.items if one.path == item.path and one.get_closest_marker("own_process")]
    wanted = [one for one in own[own.index(item) :] if _name(one) not in known]
    with tempfile.TemporaryDirectory(prefix="dqbench-tests-") as room:
        told = Path(room) / "reports.jsonl"
        ended, output = _child(item.config, [_address(one) for one in wanted], told)
        lines = [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []
    found: dict[str, list[pytest.TestReport]] = {}
    for line in lines:
        if "report" in line:
            report = item.config.hook.pytest_report_from_serializable(config=item.config, data=line["report"])
            if isinstance(report.longrepr, list):  # a skip's place and reason, a tuple before it was JSON
                report.longrepr = tuple(report.longrepr)
            found.setdefault(report.nodeid, []).append(report)
    complete = {line["finished"] for line in lines if "finished" in line}
    found = {name: reports for name, reports in found.items() if name in complete}
    for one in _died(wanted, lines, complete):
        if RAYS_FAULT in output and not one.stash.get(_TRIED, False):
            one.stash[_TRIED] = True
            warnings.warn(f"{_name(one)} runs once more, as Ray ended its process: {output[-4000:]}", stacklevel=1)
        else:
            found[_name(one)] = [_failure(one, ended, output)]
    return found


def _died(wanted: list[pytest.Item], lines: list[dict[str, Any]], complete: set[str]) -> Iterator[pytest.Item]:
    """The test during which the child died; the first where none had started."""
    started = [line["started"] for line in lines if "started" in line]
    within = [one for one in wanted if _name(one) in started and _name(one) not in complete]
    if within or _name(wanted[0]) not in complete:
        yield (within or wanted)[0]


def _failure(item: pytest.Item, ended: str, output: str) -> pytest.TestReport:
    words = f"the process of this test {ended}; it said at last:\n{output[-4000:]}"
    return pytest.TestReport(item.nodeid, item.location, {}, "failed", words, "call")


def _address(item: pytest.Item) -> str:
    return f"{item.path}::{_name(item).split('::', 1)[1]}"


def _child(config: pytest.Config, addresses: list[str], told: Path) -> tuple[str, str]:
    """How the child ended, in words, and what it printed."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_XDIST", "PYTEST_ADDOPTS"))}
    command = [sys.executable, "-m", "pytest", "-q", "-m", "", "-p", "no:cacheprovider", f"--rootdir={config.rootpath}"]
    command.append("--capture=tee-sys")  # what a killed process said is kept
    command += ["-c", str(config.inipath)] if config.inipath else []
    child = subprocess.Popen(
        [*command, *addresses],
        env={**own, REPORTS: str(told), "PYTHONUNBUFFERED": "1"},  # a kill leaves no time to flush
        cwd=config.invocation_params.dir,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = child.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        _kill(child)
        return f"did not end within {LIMIT_S:g} s", child.communicate()[0]
    except BaseException:
        _kill(child)
        raise
    code = child.returncode
    return (f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"), output


def _kill(child: subprocess.Popen[str]) -> None:
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
