"""Stores as the program of each revision of the tables left them after the same day; read back for today's program.

A new revision's file is made by ``python -m tests.older_stores`` when the revision is. A file is never made again: it
holds what the program of its time wrote. Those of 0001 to 0009 were made so by the programs of that time.
"""
