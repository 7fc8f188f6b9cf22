"""Letters, handed to a mail server."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

import aiosmtplib

from gateway.domain.letters import Letter, Undelivered

_SECONDS = 20
_FOR_GOOD = range(500, 600)


class SmtpPostman:
    """A mail server; a connection for each letter, because there are few."""

    def __init__(self, url: str, sender: str) -> None:
        self._server, self._sender = urlsplit(url), sender
        self._domain = parseaddr(sender)[1].rpartition("@")[2]

    async def deliver(self, letter: Letter) -> None:
        """Hand a letter over. Raises Undelivered."""
        try:
            await self._send(self.message(letter))
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = {refused.code for refused in error.recipients}
            raise _undelivered(error, max(codes, default=0)) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _undelivered(error, error.code) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _undelivered(error, 0) from error
        except ValueError as error:  # what cannot be written as a letter never can
            raise Undelivered(f"{type(error).__name__}: {error}", for_good=True) from error

    def message(self, letter: Letter) -> EmailMessage:
        """Write the letter down; each attempt carries the same id."""
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"] = self._sender, letter.recipient
        message["Subject"] = letter.content.subject
        message["Date"] = format_datetime(letter.created_at)
        message["Message-ID"] = f"<{letter.id}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.content.text)
        message.add_alternative(letter.content.html, subtype="html")
        return message

    async def _send(self, message: EmailMessage) -> None:
        server, tls = self._server, self._server.scheme == "smtps"
        user = unquote(server.username) if server.username else None
        await aiosmtplib.send(
            message,
            hostname=server.hostname,
            port=server.port or (465 if tls else 587),
            username=user,
            password=unquote(server.password or "") if user else None,
            use_tls=tls,
            # A password never goes over an open line.
            start_tls=True if user and not tls else None,
            timeout=_SECONDS,
        )


def _undelivered(error: Exception, code: int) -> Undelivered:
    return Undelivered(f"{type(error).__name__}: {error}", for_good=code in _FOR_GOOD)
