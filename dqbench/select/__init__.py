"""The kernels that two or more methods share: groups and their budgets, bins, samples of bins, greedy orders.

Names are imported when they are first used: ``from dqbench import select`` costs a method module nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import deferred
from dqbench.select.options import Sampler, Scope, ScopeConfig

if TYPE_CHECKING:
    from dqbench.select.bins import Bins, bin_sizes, order_of
    from dqbench.select.cut import GraphCut
    from dqbench.select.determinant import log_determinant_order
    from dqbench.select.facility import facility_location, facility_location_order
    from dqbench.select.finite import finite_features
    from dqbench.select.graphcut import graph_cut_bins
    from dqbench.select.herding import herding_order
    from dqbench.select.k_center import k_center_order
    from dqbench.select.matching import matching_pursuit
    from dqbench.select.neighbours import nearest_neighbours
    from dqbench.select.objectives import covering_value, facility_location_value, graph_cut_value, mean_value
    from dqbench.select.rank_one import RankOne, unit
    from dqbench.select.sampling import bin_quotas, budgeted, first, group_budgets, group_stops, groups, sample, subset

__all__ = [
    "Bins",
    "GraphCut",
    "RankOne",
    "Sampler",
    "Scope",
    "ScopeConfig",
    "bin_quotas",
    "bin_sizes",
    "budgeted",
    "covering_value",
    "facility_location",
    "facility_location_order",
    "facility_location_value",
    "finite_features",
    "first",
    "graph_cut_bins",
    "graph_cut_value",
    "group_budgets",
    "group_stops",
    "groups",
    "herding_order",
    "k_center_order",
    "log_determinant_order",
    "matching_pursuit",
    "mean_value",
    "nearest_neighbours",
    "order_of",
    "sample",
    "subset",
    "unit",
]

__getattr__ = deferred.attributes(
    {
        "Bins": "dqbench.select.bins",
        "GraphCut": "dqbench.select.cut",
        "RankOne": "dqbench.select.rank_one",
        "bin_quotas": "dqbench.select.sampling",
        "bin_sizes": "dqbench.select.bins",
        "budgeted": "dqbench.select.sampling",
        "covering_value": "dqbench.select.objectives",
        "facility_location_value": "dqbench.select.objectives",
        "graph_cut_value": "dqbench.select.objectives",
        "mean_value": "dqbench.select.objectives",
        "facility_location": "dqbench.select.facility",
        "facility_location_order": "dqbench.select.facility",
        "finite_features": "dqbench.select.finite",
        "first": "dqbench.select.sampling",
        "graph_cut_bins": "dqbench.select.graphcut",
        "group_budgets": "dqbench.select.sampling",
        "group_stops": "dqbench.select.sampling",
        "groups": "dqbench.select.sampling",
        "herding_order": "dqbench.select.herding",
        "log_determinant_order": "dqbench.select.determinant",
        "nearest_neighbours": "dqbench.select.neighbours",
        "k_center_order": "dqbench.select.k_center",
        "matching_pursuit": "dqbench.select.matching",
        "order_of": "dqbench.select.bins",
        "sample": "dqbench.select.sampling",
        "subset": "dqbench.select.sampling",
        "unit": "dqbench.select.rank_one",
    }
)
