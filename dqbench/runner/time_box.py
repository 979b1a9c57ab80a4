"""A time box: a run starts no job that is not expected to finish in what is left of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from dqbench.durations import clock
from dqbench.errors import UsageError
from dqbench.jobs.job import Job


@dataclass
class TimeBox:
    """Runs from when it is made. A job that was started goes on to its end, also where it takes longer than expected.

    Attributes:
        seconds: its length.
        start: when it was made, by ``time.monotonic``.
    """

    seconds: float
    start: float = field(default_factory=time.monotonic)
    _too_long: set[str] = field(default_factory=set)

    @property
    def left(self) -> float:
        """Seconds; 0 when it is over."""
        return max(0.0, self.start + self.seconds - time.monotonic())

    @property
    def refused(self) -> int:
        """How many jobs are known to be too long for what is left."""
        return len(self._too_long)

    def takes(self, key: str, seconds: float) -> bool:
        """Whether the job with this key, which is expected to take so long, is to end in what is left."""
        if key not in self._too_long and seconds > self.left:
            self._too_long.add(key)
        return key not in self._too_long

    def learned(self) -> None:
        """Expectations have changed: ask anew."""
        self._too_long.clear()

    def check(self, ready: Iterable[Job]) -> None:
        """Refuse a box in which no job can end.

        Args:
            ready: the jobs that can start.

        Raises:
            UsageError: all of them are expected to take longer.
        """
        first = min(ready, key=lambda job: job.needs.seconds, default=None)
        if first is not None and first.needs.seconds > self.left:
            given = clock(self.seconds) if self.seconds >= 1 else f"{self.seconds:g} s"
            raise UsageError(
                f"--for {given} is shorter than any job to start: {first.label or first.kind} is expected to take "
                f"{clock(first.needs.seconds)}; give more time, or leave --for out"
            )
