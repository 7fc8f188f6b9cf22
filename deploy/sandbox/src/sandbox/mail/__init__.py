"""The mail catcher: a real SMTP server that delivers to nobody and shows what it was given."""

from sandbox.mail.catcher import Catcher
from sandbox.mail.control import routes

__all__ = ["Catcher", "routes"]
