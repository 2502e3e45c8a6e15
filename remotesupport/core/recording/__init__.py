"""Recordings of billings that can be given away: stand-ins for texts, names, numbers and times."""
