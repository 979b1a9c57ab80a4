"""Corrupted test images: the 15 corruptions of CIFAR-10-C, made here or read from the official arrays."""
