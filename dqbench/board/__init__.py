"""From records and published rows to leaderboards; imports no torch."""
