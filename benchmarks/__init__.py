"""How fast it is, how much it holds, and what that is measured against: `make bench` runs the rows of one table.

The product knows nothing of this. A row is a module in `rows/`; what several rows need stands beside it.
"""
