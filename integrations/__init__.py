"""The outside: messages from and to other systems, each translated by pure functions at the border.

Other systems never see or write domain events; what they send is kept in `lms_inbox` as it came.
"""
