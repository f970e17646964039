"""quiz_result: the best score of a class's quiz, and since when it is passed."""

from datetime import datetime

from eventstore.types.quiz_submit import QuizSubmit
from projections.progress import Progress
from projections.sql_fold.expressions import floor, if_then, sql_translatable


@sql_translatable
def quiz_result(submission: QuizSubmit, occurred_at: datetime) -> Progress:
    """The score in whole points; passed then, if the submission says so."""
    return Progress(
        quiz_score=floor(submission.score),
        quiz_passed_at=if_then(submission.passed, occurred_at),
    )
