"""A partition's job that is killed the first two times, as on a machine that is lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from dqbench.jobs.choosepart import run as choose


def run(spec, inputs, out, context):
    """Choose, but for partition 1, which dies as long as it did so once at most."""
    deaths = Path(spec["folder"]).with_name("deaths")
    before = deaths.read_text() if deaths.exists() else ""
    if spec["part"] == 1 and len(before) < 2:
        deaths.write_text(before + "x")
        os.kill(os.getpid(), signal.SIGKILL)
    return choose(spec, inputs, out, context)
