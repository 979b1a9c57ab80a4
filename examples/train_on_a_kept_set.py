"""Train on what a method kept, and on as many images at random: the comparison that a board makes, by hand.

python examples/train_on_a_kept_set.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader

import dqbench

EPOCHS = 30


def main() -> None:
    """Print the accuracy of a small network on the last 500 digits, by what it was trained on."""
    digits = load_digits()
    images = (digits.images * 255 / 16).astype(np.uint8)[..., None]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "digits.npz")
        np.savez(file, images=images[:-500], labels=digits.target[:-500])
        compare(file, images[-500:], digits.target[-500:])


def compare(file: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """Print the accuracy on test images (n, height, width, channels) for each of three methods."""
    test = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    for method in ("random", "herding", "dq"):
        kept = dqbench.compress(file, method, keep=0.1, observer="digits-cnn", seed=0)
        net = train(dqbench.KeptDataset(file, kept))
        right = (net(test).argmax(1).numpy() == labels).mean()
        print(f"{method}: {100 * right:.1f} % from {len(kept)} images")


def train(kept: dqbench.KeptDataset) -> nn.Module:
    """A network with one hidden layer; samples weigh what the method says, 1 where it says nothing."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(EPOCHS):
        for images, labels, weights in DataLoader(kept, batch_size=32, shuffle=True):
            loss = (nn.functional.cross_entropy(net(images), labels, reduction="none") * weights).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net.eval()


if __name__ == "__main__":
    main()
