"""A real Ray cluster of two nodes on this machine."""

from __future__ import annotations

from typing import Any


def two_nodes() -> Any:
    """A head and one more, with one CPU each; on a busy machine Ray gives up after 30 s, so there is a second try."""
    try:
        return _two_nodes()
    except Exception:  # Ray's own words for it are a plain Exception
        return _two_nodes()


def _two_nodes() -> Any:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=1)
    except Exception:
        cluster.shutdown()
        raise
    return cluster
