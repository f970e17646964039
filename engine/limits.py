"""Limits of the engine: sizes of batches and chunks, attempts and pauses."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much the engine does at once, and how long it waits. Tests pass smaller ones."""

    batch_events: int = 20_000
    """Events in one transaction, at most."""

    small_batch_events: int = 32
    """Events that are always written together if they wait: fewer are not worth a commit of their own."""

    concurrent_batches: int = 2
    """Batches under way where the database writes one at a time. The next waits for the writer, not for the loop."""

    large_submission_events: int = 2_000
    """A submission of at least this many events is partitioned by learner, one part for each parallel writer."""

    conflict_attempts: int = 5
    """Attempts of a transaction that conflicts with others."""

    backfill_learners: int = 500
    """Learners that one transaction of a backfill takes."""

    backfill_patience_sec: float = 2.0
    """How long a publication waits for its backfill. A longer backfill continues in the background."""

    outage_pause_sec: float = 1.0
    """Pause before background work that the database interrupted is tried again."""

    maintenance_interval_sec: float = 5.0
    """Pause between two rounds of the maintenance task."""

    retries_per_transaction: int = 1
    """Parked events that one transaction retries. Several would need several passes, and hold locks longer."""

    python_fold_seqs: int = 20_000
    """Numbers of the log that one transaction of a fold in Python takes."""

    python_fold_classes: int = 200
    """Classes of learners that one transaction folds in Python, where SQL could not decide an event."""

    sql_fold_events: int = 2_500_000
    """Events that one SQL statement folds, about. Each range of learners costs a scan of the whole log."""

    undecided_events: int = 20_000
    """If SQL leaves more events than this undecided, Python folds the whole log."""

    derive_learners: int = 500
    """Learners whose signals one transaction of a replay derives."""

    catch_up_events: int = 1_000
    """Events that one transaction applies to a shadow."""

    short_round_seqs: int = 250
    """A catch-up round over at most this many numbers of the log is short: the swap may follow."""

    compare_learners: int = 2_500
    """Learners of one range when a shadow is compared with the live tables."""

    in_place_learners: int = 100
    """If at most this many learners differ, their rows are replaced while nobody appends, without a swap."""

    sampled_learners: int = 400
    """Learners that are compared early, to predict the size of the diff."""

    early_copy_learners: int = 10_000
    """With more learners nothing is copied while signals are derived: SQLite cannot reset its WAL amid reading."""

    early_copy_ranges: int = 20
    """With more ranges nothing is copied while they are compared, for the same reason."""

    recopy_learners: int = 200
    """Learners whose rows one transaction copies again after newer events."""

    swap_attempts: int = 200
    """Attempts to swap. Each may leave one more short round of the log to the last transaction."""

    swap_pause_sec: float = 0.1
    """The pause after the first attempt to swap; each later pause is longer by as much."""

    swap_longest_pause_sec: float = 5.0
    """The longest pause. All attempts wait for a quarter of an hour, enough for a reader who exports everything."""

    verify_learners: int = 500
    """Learners that are verified or repaired at once."""


DEFAULT_LIMITS = Limits()
