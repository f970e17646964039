"""The outside: what other systems send, translated by pure functions at the border.

They never see or write domain events; the messages among it are kept in `lms_inbox` as they came.
"""
