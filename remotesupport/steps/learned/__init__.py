"""Knowledge of servers that is gained at work: habits, lengths, reactions to writes, altered texts."""
