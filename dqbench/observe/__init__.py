"""What is read off an observer: features, logits, last-layer gradients; observers that methods train themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import deferred

if TYPE_CHECKING:
    from dqbench.observe.dynamics import Dynamics
    from dqbench.observe.gradients import last_layer_gradient
    from dqbench.observe.observed import Observed
    from dqbench.observe.training import Trainer

__all__ = ["Dynamics", "Observed", "Trainer", "last_layer_gradient"]

__getattr__ = deferred.attributes(
    {
        "Dynamics": "dqbench.observe.dynamics",
        "Observed": "dqbench.observe.observed",
        "Trainer": "dqbench.observe.training",
        "last_layer_gradient": "dqbench.observe.gradients",
    }
)
