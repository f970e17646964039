"""Signals: courses and their history, and the facts that follow from progress and courses.

Signals are derived, never decided: the same progress and history always give the same signals.
"""
