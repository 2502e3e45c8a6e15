"""Recording a run: its report, the books of each connection, the board, what is kept out or braked."""
