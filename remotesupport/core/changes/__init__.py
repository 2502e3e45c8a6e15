"""The parts of a plan: creates, posts, departures, states; what stays unfinished; the reason for each ticket."""
