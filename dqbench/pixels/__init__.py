"""Dropping patches of kept images: which ones, how the rest is stored, how images are rebuilt."""
