"""Views: one read model a module, with its SQL view, its queries and the model of its response.

Views that would get slower as the log grows read small roll-ups, which `projections.rollups` updates.
"""

from collections.abc import Callable

from sqlalchemy.engine import Dialect

from views import event_daily_stats, leaderboard, message_daily_stats, signal_summary, user_activity, user_progress

VIEWS: dict[str, Callable[[Dialect], str]] = {
    "v_user_progress": user_progress.definition,
    "v_event_daily_stats": event_daily_stats.definition,
    "v_message_daily_stats": message_daily_stats.definition,
    "v_signal_summary": signal_summary.definition,
    "v_leaderboard": leaderboard.definition,
    "v_user_activity": user_activity.definition,
}
"""Every SQL view by name. `lms-progress migrate` creates them for `sqlite3` and `psql`."""
