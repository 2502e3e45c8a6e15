"""Messages: which are pending, and which of them stand on the other side already."""
