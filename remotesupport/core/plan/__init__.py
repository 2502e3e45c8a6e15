"""Changes and plans as values, their keys and ids, and the guard that judges a plan."""
