"""Recipes, the training loop and augmentation on the device."""
