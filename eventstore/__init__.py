"""The event store: the append-only log of events, their versions, and the database.

It does not know what events mean; that begins in `projections`.
"""
