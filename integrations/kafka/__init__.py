"""Kafka: the topics that a learning platform writes, those that we write, and the log in front of ours."""

import logging

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it tells of each attempt to reach a broker; we tell it once
