"""`lms-progress topic create`: the topics of Kafka, the learning platform's and ours."""

import asyncio
from typing import Annotated

import typer

from bootstrap.kafka import servers_of
from bootstrap.settings import load
from cli.console import echo

app = typer.Typer(help="Topics of Kafka.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Topics of Kafka."""


@app.command("create")
def create_command(
    replicas: Annotated[int, typer.Option(min=1, max=100, help="The number of brokers that store each message")] = 1,
) -> None:
    """Create the missing topics, with their partitions and retention. Existing ones stay as they are."""
    from integrations.kafka.topics import TOPICS, create_topics

    created = asyncio.run(create_topics(servers_of(load()), replicas))
    for topic in TOPICS:
        if topic.name in created:
            echo(f"{topic.name}: created, {topic.partitions} partitions, {topic.retention.days} days of messages")
        else:
            echo(f"{topic.name}: there already, and left as it is")
