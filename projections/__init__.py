"""Projections: one `Progress` for each learner and class, merged from what each event proves.

They know nothing of courses, signals or XP, which begin in `signals`.
"""
