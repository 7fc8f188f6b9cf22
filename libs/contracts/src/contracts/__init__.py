"""Every message that travels between the services, as immutable, versioned classes, and who hears which.

A message is never edited: a new optional field is fine, anything else is a new class with a new version.
"""

from contracts.message import Command, Document, Fact, Message
from contracts.registry import MESSAGES, message_class

__all__ = ["MESSAGES", "Command", "Document", "Fact", "Message", "message_class"]
