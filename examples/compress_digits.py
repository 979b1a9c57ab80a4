"""Compress a data set of your own: a tenth of scikit-learn's digits, chosen by two methods.

    python examples/compress_digits.py

Your images would be a folder with one sub-folder per class, or an ``.npz`` file as here.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import dqbench


def main() -> None:
    """Choose by graph cut and by DQ, and compare what they keep."""
    digits = load_digits()
    images = (digits.images * 255 / 16).astype(np.uint8)[..., None]  # (n, height, width, channels)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "digits.npz")
        np.savez(file, images=images, labels=digits.target)
        kept = {
            method: dqbench.compress(file, method, keep=0.1, observer="digits-cnn") for method in ("graphcut", "dq")
        }
    for method, subset in kept.items():
        of_class = np.bincount(digits.target[subset.ids])
        print(f"{method} keeps {len(subset)} of {len(images)} images, {of_class.min()} to {of_class.max()} of a class")
    both = np.intersect1d(kept["graphcut"].ids, kept["dq"].ids)
    print(f"{len(both)} of them are the same")


if __name__ == "__main__":
    main()
