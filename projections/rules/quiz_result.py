"""quiz_result: the best score of a class's quiz, and when it was first passed."""

from datetime import datetime

from eventstore.types.quiz_submit import QUIZ_SUBMIT, QuizSubmit
from projections.progress import Progress
from projections.rule import rule
from projections.sql_fold.expressions import floor, if_then, sql_translatable


@rule(QUIZ_SUBMIT)
@sql_translatable
def quiz_result(submission: QuizSubmit, occurred_at: datetime) -> Progress:
    """Prove the score in whole points, and a pass at that time if the submission passed."""
    return Progress(
        quiz_score=floor(submission.score),
        quiz_passed_at=if_then(submission.passed, occurred_at),
    )
