"""Choose from shards: ``dqbench compress`` on more than one process or machine holds at once."""
