"""Kinds of jobs that plugins bring: in the plan, in keys, refused where they are wrong, run, and sealed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqbench import plugins
from dqbench.data.seal import SealedError
from dqbench.errors import PluginError, UsageError
from dqbench.executors.local import _function
from dqbench.jobs import stage as stage_
from dqbench.jobs.job import OF_PLUGINS, Context
from dqbench.plan.grid import plan
from dqbench.plan.plan import Plan
from dqbench.plan.request import Request

PLUGIN = """
from dataclasses import replace
from dqbench import JobSpec, Stage, hookimpl

STAGE = Stage("count-pixels", "counted", {{"above": 100}}, after_training=False)


@hookimpl
def dqbench_jobs():
    yield JobSpec(name={name!r}, target={target!r}, summary="counts", version={version}, reads_test={reads_test})


@hookimpl
def dqbench_tasks():
    from dqbench.tasks.digits_xarch import TASK
    profiles = {{"smoke": replace(TASK.profiles["smoke"], stages=(STAGE,))}}
    yield replace(TASK, name="digits-counted", evaluator="{module}:score", profiles=profiles)


def count(work, out):
    bright = int((work.test.images > work.options["above"]).sum())
    (out / "bright.txt").write_text(str(bright))
    return {{"bright": bright}}


def wrong(work):
    return None


def score(net, test, source, device, precision, folders):
    return {{"top1": float((folders["counted"] / "bright.txt").read_text())}}
"""


def written(folder: Path, module: str, **changes: Any) -> Path:
    fields = {"name": "count-pixels", "target": f"{module}:count", "version": 1, "reads_test": True, **changes}
    file = folder / f"{module}.py"
    file.write_text(PLUGIN.format(module=module, **fields))
    return file


def planned(file: Path) -> Plan:
    asked = Request(tasks=("digits-counted",), methods=("random",), keeps=(0.1,), seeds=2)
    return plan(asked, plugins.load([file]), "cpu")


def test_a_kind_is_one_job_for_all_cells_with_its_code_and_version_in_its_key(data_root: Path, tmp_path: Path) -> None:
    made = planned(written(tmp_path, "counting_a"))
    jobs = [job for job in made.jobs.values() if job.kind == "count-pixels"]
    assert len(jobs) == 1
    (job,) = jobs
    assert (job.version, _function(job)) == (1, OF_PLUGINS)
    assert job.spec["options"] == {"above": 100}
    assert job.spec["job_code"]
    assert all(made.jobs[run.evaluate].inputs["counted"] == job.key for cell in made.cells for run in cell.runs)
    later = planned(written(tmp_path, "counting_b", version=2))
    assert job.key not in later.jobs


def test_it_runs_and_reads_test_images_only_where_it_says_so(data_root: Path, tmp_path: Path) -> None:
    for module, allowed in (("counting_c", True), ("counting_d", False)):
        file = written(tmp_path, module, reads_test=allowed)
        (job,) = [job for job in planned(file).jobs.values() if job.kind == "count-pixels"]
        out = tmp_path / module
        out.mkdir()
        spec, context = json.loads(json.dumps(dict(job.spec))), Context("cpu", plugin_files=(file,))
        if not allowed:
            with pytest.raises(SealedError):
                stage_.run(spec, {}, out, context)
            continue
        facts = stage_.run(spec, {}, out, context)
        assert facts == {"bright": int((out / "bright.txt").read_text()), "test_reads": 1}
        assert facts["bright"] > np.float64(0)
        file.write_text(file.read_text() + "# changed\n")
        stage_.registry(context)._code.clear()
        with pytest.raises(UsageError, match="changed since this run was planned"):
            stage_.run(spec, {}, out, context)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "train"}, "is that of a job or role"),
        ({"name": "../evil"}, "is not kebab-case"),
        ({"target": "nowhere"}, "is not 'module:attribute'"),
        ({"version": 0}, "version=0"),
        ({"reads_test": 3}, "reads_test=3"),
    ],
)
def test_wrong_specs_are_refused_when_they_are_loaded(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PluginError, match=words):
        plugins.load([written(tmp_path, "counting_e", **changes)])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "counting_f:missing"}, "cannot be loaded"),
        ({"target": "counting_f:wrong"}, "cannot be called with"),
        ({"name": "count-others"}, "unknown kind of job 'count-pixels'; did you mean count-others"),
    ],
)
def test_wrong_functions_and_unknown_kinds_are_refused_at_planning(
    data_root: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        planned(written(tmp_path, "counting_f", **changes))
