"""Tally: quizzes as forms, whose responses come by webhook."""
