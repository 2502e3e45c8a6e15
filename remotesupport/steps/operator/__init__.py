"""Work that an operator asks for beside the runs: checks, departments, rebuilding links, rehearsals, recordings."""
