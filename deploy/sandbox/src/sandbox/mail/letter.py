"""One caught letter, read as a mail program would read it."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import uuid4

_LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it came, with the addresses of its envelope."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    id: str = field(default_factory=lambda: uuid4().hex)
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        return message_from_bytes(self.raw, policy=policy.default)

    def is_to(self, address: str) -> bool:
        """Tell whether it was sent to this address, written in any case."""
        return address.lower() in (recipient.lower() for recipient in self.recipients)

    def summary(self) -> dict[str, object]:
        """Say what a list shows of it."""
        message = self.message
        return {
            "id": self.id,
            "received_at": self.received_at.isoformat(),
            "sender": self.sender,
            "recipients": list(self.recipients),
            "from": str(message["from"]),
            "to": str(message["to"]),
            "subject": str(message["subject"]),
            "message_id": str(message["message-id"]),
        }

    def whole(self) -> dict[str, object]:
        """Say everything about it; `links` are those of the plain text."""
        return self.summary() | {
            "headers": [[name, str(value)] for name, value in self.message.items()],
            "text": self.part("plain"),
            "html": self.part("html"),
            "links": self.links(),
            "raw": self.raw.decode("utf-8", "replace"),
        }

    def links(self) -> list[str]:
        """Return the links in its plain text."""
        return _LINK.findall(self.part("plain"))

    def part(self, kind: str) -> str:
        """Return the text of the part `plain` or `html`; empty without one."""
        found = self.message.get_body(preferencelist=(kind,))
        return str(found.get_content()) if found is not None else ""
