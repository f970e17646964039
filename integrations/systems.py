"""The one list of the systems that messages come from and go to. To add one, write its folder and name it here."""

from integrations.kafka.system import KAFKA
from integrations.platform_monitor.system import ACTIVITY
from integrations.rabbitmq.system import RABBITMQ
from integrations.redis.system import REDIS
from integrations.smtp.system import SMTP
from integrations.system import by_name
from integrations.tally.system import TALLY
from integrations.webhook.system import WEBHOOK
from integrations.zulip.system import ZULIP

SYSTEMS = by_name(TALLY, REDIS, RABBITMQ, KAFKA, ACTIVITY, WEBHOOK, ZULIP, SMTP)
