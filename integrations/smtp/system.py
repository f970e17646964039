"""An SMTP server, which notifies mentors by e-mail."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from integrations.contracts.notification import NOTIFIED
from integrations.notifications.settings import Mailbox, NotificationSettings, with_its
from integrations.outbound.sink import SinkSpec
from integrations.runtime.addresses import url_of
from integrations.smtp import SYSTEM
from integrations.system import CurrentMapping, System


class SmtpSettings(NotificationSettings):
    """The settings of e-mail."""

    smtp_url: Annotated[SecretStr, AfterValidator(url_of("smtps", "smtp"))] | None = Field(
        None, description="`smtps://…` or `smtp://…`: the server that sends e-mails to mentors"
    )
    smtp_from: Annotated[Mailbox | None, AfterValidator(with_its("smtp_url"))] = Field(
        None, validate_default=True, description="The address that e-mails come from"
    )


def sink(settings: SmtpSettings, _: CurrentMapping) -> SinkSpec | None:
    url, sender = settings.smtp_url, settings.smtp_from
    if url is None or sender is None or not settings.notify_mentors_enabled:
        return None
    from integrations.smtp.client import server_of
    from integrations.smtp.sink import SmtpSink

    server = server_of(url.get_secret_value())
    return SinkSpec(SYSTEM, SYSTEM, frozenset(NOTIFIED), lambda: SmtpSink(server, sender))


SMTP = System(SYSTEM, SmtpSettings, sink=sink)
