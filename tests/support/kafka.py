"""A private Kafka of one broker, for tests. `scripts/install-kafka` downloads its jars."""

import asyncio
import base64
import shutil
import subprocess
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from tests.support import missing_service
from tests.support.private_server import PrivateServer, takes_connections

JARS = Path(__file__).parent.parent.parent / ".kafka"
JAVA = ("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*")
SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{port1}
listeners=PLAINTEXT://127.0.0.1:{port0},CONTROLLER://127.0.0.1:{port1}
advertised.listeners=PLAINTEXT://127.0.0.1:{port0}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
num.network.threads=2
num.io.threads=2
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""


class KafkaServer(PrivateServer):
    """One broker, which is its own controller. Its topics outlive kill and start."""

    def __init__(self) -> None:
        super().__init__("kafka", [*JAVA, "kafka.Kafka", "{folder}/server.properties"], takes_connections, ports=2)
        properties = self.folder / "server.properties"
        properties.write_text(self.filled(SETTINGS))
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self.tool("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", str(properties))

    @property
    def servers(self) -> str:
        """As KAFKA_BOOTSTRAP_SERVERS names it."""
        return f"127.0.0.1:{self.port}"

    def empty(self) -> None:
        """Ends all messages of all topics; what groups have committed stays."""
        asyncio.run(self._empty())

    async def _empty(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await admin.start()
        try:
            topics = await admin.describe_topics([name for name in await admin.list_topics() if name[0] != "_"])
            splits = [(topic["topic"], each["partition"]) for topic in topics for each in topic["partitions"]]
            await soon(lambda: admin.delete_records({TopicPartition(*each): RecordsToDelete(-1) for each in splits}))
        finally:
            await admin.close()

    def lag(self, group_id: str) -> int:
        """How many messages a group has not committed, in the topics that it reads."""
        return asyncio.run(self._lag(group_id))

    async def _lag(self, group_id: str) -> int:
        admin, consumer = (made(bootstrap_servers=self.servers) for made in (AIOKafkaAdminClient, AIOKafkaConsumer))
        await admin.start()
        await consumer.start()
        try:
            reached = await admin.list_consumer_group_offsets(group_id)
            ends = await consumer.end_offsets(list(reached))
            return sum(ends[split] - max(0, at.offset) for split, at in reached.items())
        finally:
            await consumer.stop()
            await admin.close()

    def messages(self, topic: str) -> int:
        """How many messages there are in a topic of one partition."""
        return asyncio.run(self._messages(TopicPartition(topic, 0)))

    async def _messages(self, split: TopicPartition) -> int:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers)
        await consumer.start()
        try:
            ends, beginnings = await consumer.end_offsets([split]), await consumer.beginning_offsets([split])
            return int(ends[split] - beginnings[split])
        finally:
            await consumer.stop()

    def tool(self, name: str, *arguments: str, said: str = "") -> str:
        """What one of Kafka's command-line tools prints, told `said`. RuntimeError with all of it if it fails."""
        done = subprocess.run([*JAVA, name, *arguments], input=said, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout


async def soon(work: Callable[[], Awaitable[object]]) -> None:
    """Does it once the broker is ready for it: topics that were just created have no leaders yet."""
    while True:
        try:
            await work()
        except KafkaError as error:
            if not error.retriable:
                raise
            await asyncio.sleep(0.05)
        else:
            return


@contextmanager
def required_kafka() -> Iterator[KafkaServer]:
    """A started broker, for a fixture: where there is none, its tests skip, unless services are required."""
    if shutil.which("java") is None or not (JARS / "installed").exists():
        missing_service("there is no Kafka here: scripts/install-system kafka and scripts/install-kafka install it")
    server = KafkaServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()
