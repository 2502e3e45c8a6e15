"""Connections as an operator sees them: their state, the board, habits of their servers, rehearsals."""
