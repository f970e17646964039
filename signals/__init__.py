"""What progress means: courses and their history, and the signals that follow from both.

Signals are derived, never decided: the same progress and history always give the same ones.
"""
