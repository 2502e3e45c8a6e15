"""Reading both sides of a connection: what is in scope, what it may cost, which department goes where."""
