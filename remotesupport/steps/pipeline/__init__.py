"""Each connection's own way through a run, and the passes that several connections make together."""
