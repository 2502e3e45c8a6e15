"""The figures of `make bench`: each module measures one thing against named peers in the same run.

Ratios, not seconds, are what to look at: machines differ and are shared. What must stay out of the product: all of it.
"""
