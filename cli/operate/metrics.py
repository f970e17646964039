"""Metrics of commands that run until they are stopped, on a port of their own; `serve` has them at /metrics."""

from typing import Annotated

import typer

from eventstore.errors import LmsError
from integrations.runtime.metrics import expose

MetricsPort = Annotated[int | None, typer.Option(min=1, max=65535, help="Show Prometheus its metrics on this port")]
MetricsHost = Annotated[str, typer.Option(help="The address to do so on")]


def show_metrics(host: str, port: int | None) -> None:
    """Shows them there, if a port is given. Raises LmsError where that cannot be."""
    if port is None:
        return
    try:
        expose(host, port)
    except OSError as error:
        raise LmsError(f"expected to listen on {host}, port {port}, found: {error.strerror or error}") from error
