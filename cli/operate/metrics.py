"""The metrics of commands that run until they are stopped, on a port of their own; `serve` has them at /metrics."""

from typing import Annotated

import typer

from eventstore.errors import LmsError
from integrations.runtime.metrics import expose

MetricsPort = Annotated[int | None, typer.Option(min=1, max=65535, help="Serve Prometheus metrics on this port")]
MetricsHost = Annotated[str, typer.Option(help="The address of the metrics port")]


def show_metrics(host: str, port: int | None) -> None:
    """Serve the metrics, if a port is given. Raise LmsError if that fails."""
    if port is None:
        return
    try:
        expose(host, port)
    except OSError as error:
        raise LmsError(f"expected to listen on {host}, port {port}, found: {error.strerror or error}") from error
