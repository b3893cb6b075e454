"""The port to a language model: typed messages and tools in, text or one tool call out, streamed, within a deadline.

The assistant knows no model but this protocol. What stands behind it decides nothing about facts: a tool call is run
by the same skills as the rules run, and text is checked before it leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

import msgspec


class ToolSchema(msgspec.Struct, frozen=True):
    """A tool that the model may call; arguments that do not fit ``parameters`` are refused."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the arguments."""


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call"):
    """The model wants a tool run."""

    name: str
    arguments: dict[str, Any]


class TextDelta(msgspec.Struct, frozen=True, tag="text"):
    """The next piece of the model's text."""

    text: str


class Finish(msgspec.Struct, frozen=True, tag="finish"):
    """The end of an answer, with what it cost."""

    tokens_in: int = 0
    tokens_out: int = 0
    reason: Literal["stop", "length", "deadline", "cancelled"] = "stop"


Frame = TextDelta | ToolCall | Finish


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the conversation with the model."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    call: ToolCall | None = None
    """The call that an assistant message made."""


class LanguageModel(Protocol):
    """A model that can be asked. Implementations are safe to call from any thread."""

    name: str

    @property
    def load(self) -> float:
        """How full the model's queue is, 0 to 1; 1 means that it takes nothing more now."""
        ...

    def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], *, deadline: float, conversation: str
    ) -> Iterator[Frame]:
        """Yield text pieces or one tool call, then ``Finish``.

        ``deadline`` is the seconds from now within which the answer must be complete; ``conversation`` lets the model
        reuse what it has read. Raises ``Unavailable`` when the model is busy, off, or too late.
        """
        ...
