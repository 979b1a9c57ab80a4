"""A test set drawn from the user's own images where they come without one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dqbench.errors import UsageError
from dqbench.seeds import generator


def draw_test(
    labels: npt.NDArray[np.int64], class_names: Sequence[str], share: float, seed: int = 0
) -> npt.NDArray[np.bool_]:
    """Which samples are test samples, shape (n,): of each class the share rounded half up, at least 1 and never all.

    The draw is the same for ever; its seed is 0 unless another is given.

    Raises:
        UsageError: a share outside (0, 1), or a class of one sample.
    """
    if not 0 < share < 1:
        raise UsageError(f"test share {share:g} is not in (0, 1); give e.g. 0.2")
    chosen = np.zeros(len(labels), dtype=bool)
    for label, name in enumerate(class_names):
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            raise UsageError(f"class {name} has {len(members)} image, too few for training and test; add some")
        count = min(max(1, int(share * len(members) + 0.5)), len(members) - 1)
        chosen[generator(seed, "test-split", label).permutation(members)[:count]] = True
    return chosen


def drawn_note(share: float, seed: int = 0) -> str:
    """How a drawn test set came about."""
    return f"no test set: {100 * share:g} % of each class, drawn with seed {seed}, are it"
