"""The kernels: exact greedy graph cut, bins, quotas, texture and diversity scores."""
