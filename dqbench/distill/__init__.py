"""Making images: distribution matching, the Siamese augmentation, checkpoints and picture grids."""
