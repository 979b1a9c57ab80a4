"""From a grid to a graph of jobs, to a scheduler and executors, to records."""
