"""What happened: the append-only log of events, their versions, and the database they stand in.

Nothing here knows what events amount to; that begins in `projections`.
"""
