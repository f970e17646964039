"""What events add up to: one `Progress` a learner and a class, joined from what each event proves.

Nothing here knows of courses, signals or XP; those begin in `signals`.
"""
