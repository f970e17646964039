"""The program `lms-progress`: its commands, and the one place that turns errors into messages."""

import sys

import typer
from sqlalchemy.exc import DBAPIError

from cli.console import echo_err
from cli.data.export import export_command
from cli.data.import_events import import_command
from cli.manage.course import course_app
from cli.manage.key import app as key_app
from cli.manage.subscription import app as subscription_app
from cli.manage.token import app as token_app
from cli.operate.consume import consume_command
from cli.operate.migrate import migrate_command
from cli.operate.monitor import monitor_command
from cli.operate.notification import app as notification_app
from cli.operate.relay import relay_command
from cli.operate.replay import replay_command
from cli.operate.retry import retry_command
from cli.operate.serve import serve
from cli.operate.stats import stats_command
from cli.operate.topic import app as topic_app
from cli.operate.verify import verify_command
from eventstore.errors import LmsError

app = typer.Typer(
    name="lms-progress",
    help="Stores learner events and computes progress, signals, XP and a leaderboard from them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve)
app.command("migrate")(migrate_command)
app.command("import")(import_command)
app.command("export")(export_command)
app.command("replay")(replay_command)
app.command("retry")(retry_command)
app.command("consume")(consume_command)
app.command("relay")(relay_command)
app.command("monitor")(monitor_command)
app.command("stats")(stats_command)
app.command("verify")(verify_command)
app.add_typer(course_app, name="course")
app.add_typer(key_app, name="key")
app.add_typer(notification_app, name="notification")
app.add_typer(subscription_app, name="subscription")
app.add_typer(token_app, name="token")
app.add_typer(topic_app, name="topic")


def main() -> None:
    """Run the command and exit: with 0, or with the reason on stderr."""
    try:
        app()
    except LmsError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except DBAPIError as error:
        fail(f"expected the database to take this, found: {error.orig}")


def fail(reason: str) -> None:
    echo_err(f"lms-progress: {reason}")
    sys.exit(1)


if __name__ == "__main__":
    main()
