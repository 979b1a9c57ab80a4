"""Where the scores of benchmarks lie that were run on a trained model. Imports nothing else."""

RESULTS = "benchmarks.json"
"""In the job's folder: ``{"scores": {name: number in percent}, ...}``."""
