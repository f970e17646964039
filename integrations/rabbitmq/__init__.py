"""The course platform, over RabbitMQ."""
