"""What a picture of bins needs, from a workspace's artifacts: observer features, bins, and which samples were kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dqbench import compressed
from dqbench.errors import UsageError
from dqbench.job_folders import job_folder
from dqbench.records import Record, Run
from dqbench.seeds import derive, generator

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

WIDTH = 50
"""Principal components that t-SNE starts from, as its authors do."""


@dataclass(frozen=True)
class BinsView:
    """Samples of a source as the observer saw them.

    Attributes:
        features: shape (n, d), float32.
        bins: bin of each, shape (n,), int64; None where the method made none.
        kept: whether it was kept, shape (n,).
    """

    features: npt.NDArray[np.float32]
    bins: npt.NDArray[np.int64] | None
    kept: npt.NDArray[np.bool_]


def look(workspace: Path, record: Record, seed: int) -> BinsView:
    """The samples behind one seed of a cell.

    Raises:
        UsageError: no such seed, a method without observer, or artifacts that are gone.
    """
    import numpy as np

    run = next((run for run in record.runs if run.seed == seed), None)
    if run is None:
        raise UsageError(f"{record.cell.row} has no seed {seed}; it has {', '.join(str(r.seed) for r in record.runs)}")
    (ids, features), bins = _kept_and_features(workspace, record, run), _bins(workspace, run)
    positions = _positions(record, ids)
    kept = np.zeros(len(features), dtype=bool)
    kept[positions] = True
    return BinsView(features, bins, kept)


def _kept_and_features(
    workspace: Path, record: Record, run: Run
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    import numpy as np

    role = next((role for role in ("observe", "dynamics") if run.jobs.get(role)), None)
    if role is None:
        raise UsageError(f"{record.cell.row} uses no observer; choose a method that does, e.g. dq")
    kept = compressed.load(_folder(workspace, "compress", run.jobs["compress"][0]))
    if not hasattr(kept, "ids"):
        raise UsageError(f"{record.cell.row} makes images; there is no kept and dropped to draw")
    folder = _folder(workspace, role, run.jobs[role][0])
    return np.asarray(kept.ids), np.load(folder / "features.npy", allow_pickle=False)


def _bins(workspace: Path, run: Run) -> npt.NDArray[np.int64] | None:
    import numpy as np

    for key in reversed(run.jobs.get("prepare", [])):
        path = _folder(workspace, "prepare", key) / "bin.npy"
        if path.is_file():
            found: npt.NDArray[np.int64] = np.load(path, allow_pickle=False)
            return found if len(np.unique(found)) > 1 else None
    return None


def _folder(workspace: Path, kind: str, key: str) -> Path:
    folder = workspace / "artifacts" / job_folder(kind, key)
    if not folder.is_dir():
        raise UsageError(f"{folder} is gone; run the cell again in {workspace}, or give the --workspace that made it")
    return folder


def _positions(record: Record, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    from dqbench.data import store

    source = store.open_train(record.source.dataset, record.source.train_per_class, record.source.alteration)
    if source.content_hash != record.source.train_hash:
        raise UsageError(f"{source.name} is not the data of this record ({source.content_hash[:12]} here)")
    return source.positions(ids)


def embed(view: BinsView, most: int, seed: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Places in the plane by t-SNE on principal components, of at most so many samples; gives places and positions.

    L. van der Maaten, G. Hinton, Visualizing Data using t-SNE, JMLR 2008.
    """
    import numpy as np
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    count = len(view.features)
    chosen = np.sort(generator(seed, "tsne").permutation(count)[:most])
    features = np.asarray(view.features[chosen], dtype=np.float64)
    width, state = min(WIDTH, *features.shape), derive(seed, "tsne") % 2**32
    narrow = PCA(width, random_state=state).fit_transform(features)
    perplexity = min(30.0, max(1.0, (len(chosen) - 1) / 3))
    placed = TSNE(2, init="pca", perplexity=perplexity, random_state=state, n_jobs=1).fit_transform(narrow)
    return np.asarray(placed, dtype=np.float64), chosen
