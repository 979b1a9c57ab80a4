"""``dqbench compress`` on one's own texts."""
