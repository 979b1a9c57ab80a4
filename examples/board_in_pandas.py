"""Run a small grid from Python and make a board of it with pandas: differences to random, paired by seed.

python examples/board_in_pandas.py
"""

from __future__ import annotations

import tempfile

import dqbench
from dqbench.power import seeds_needed


def main() -> None:
    """Two methods on digits, three seeds; then how many seeds the smallest difference would take."""
    with tempfile.TemporaryDirectory() as workspace:
        records = dqbench.run(
            ["graphcut", "margin"], ["digits-xarch"],
            keeps=[0.05], archs=["digits-mlp"], seeds=3, workspace=workspace,
        )  # fmt: skip
    table = dqbench.results(records)
    scores = table[table["budget_kind"] == "ratio"].pivot_table(index="seed", columns="method", values="score")
    differences = scores.drop(columns="random").sub(scores["random"], axis=0)
    print(differences.agg(["mean", "std"]).T.round(1))
    for method, one in differences.items():
        seeds = seeds_needed(one.mean(), one.std())
        print(f"{method}: {one.mean():+.1f} points would be seen with {seeds} seeds")


if __name__ == "__main__":
    main()
