"""E-mails over SMTP (RFC 5321), with TLS where the address asks for it or the server offers it."""

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from errors import TradewindError

TIMEOUT_SECONDS = 20.0
PORTS = {"smtp": 587, "smtps": 465}


class NotSent(TradewindError):
    """The mail server is unreachable or refuses the e-mail."""

    def __init__(self, server: str, reason: str) -> None:
        self.server, self.reason = server, reason
        super().__init__(f"{server}: {reason}")


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server as `smtp://user:password@host:port` or `smtps://...`, and the sender's address."""

    url: str = field(repr=False)
    sender: str

    def send(self, recipient: str, *, subject: str, text: str, identifier: str) -> None:
        """Send an e-mail; `identifier` is the same at every attempt. Raises NotSent."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, recipient, subject
        message["Message-ID"] = f"<{identifier}@{self.sender.partition('@')[2]}>"
        message.set_content(text)
        try:
            with self._connect() as connection:
                connection.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(self._shown, f"{type(error).__name__}: {error}") from error

    def _connect(self) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        context = ssl.create_default_context()
        if parts.scheme == "smtps":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            connection = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        try:
            self._secure(connection, context)
        except BaseException:
            connection.close()
            raise
        return connection

    def _secure(self, connection: smtplib.SMTP, context: ssl.SSLContext) -> None:
        """Begin TLS where the server offers it, and log in over TLS only."""
        parts = urlsplit(self.url)
        connection.ehlo()
        encrypted = parts.scheme == "smtps"
        if not encrypted and connection.has_extn("starttls"):
            connection.starttls(context=context)
            encrypted = True
        if not parts.username:
            return
        if not encrypted:
            raise smtplib.SMTPNotSupportedError("the server offers no TLS, and credentials are not sent without it")
        connection.login(unquote(parts.username), unquote(parts.password or ""))

    @property
    def _shown(self) -> str:
        """The server as errors and logs show it: without credentials."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}:{parts.port or PORTS[parts.scheme]}"
