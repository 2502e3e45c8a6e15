"""The bell of ``up``: somebody says that a ticket has changed, and the next look at it happens at once.

A hint and no more: the schedule looks each minute whether anybody rings or not. ``rings`` joins rings, ``ringer``
begins runs for them, ``runs`` asks the Prefect server for one, ``endpoint`` is the HTTP of it, ``names`` says who may
be rung for, ``place`` where the bell is found, ``main`` the process, ``process`` that process as a child of ``up``.
"""
