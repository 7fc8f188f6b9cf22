from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A part of a message: immutable; what a newer sender added is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(Value):
    """Something said on the bus. `type` names it for ever: `<owner>.<name>.v<major>`."""

    type: ClassVar[str]

    @property
    def subject(self) -> str:
        """What the message is about: the id of a job, a document or a request."""
        raise NotImplementedError

    @property
    def routing_key(self) -> str:
        """The key it is routed by; starts with `type`."""
        return self.type


class Command(Message):
    """Asks its one owner to act. Routed over the direct exchange `commands`."""


class Fact(Message):
    """Says what has happened. Routed over the topic exchange `facts`.

    Only facts marked `public` may be shown to clients.
    """

    public: ClassVar[bool] = False


class Document(Fact):
    """A fact that carries a whole public document; the highest `version` of a subject is the truth."""

    public: ClassVar[bool] = True

    version: int


AnyMessage = TypeVar("AnyMessage", bound=Message)
