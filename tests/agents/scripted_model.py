"""A language model whose answers a test wrote: the real one is another's machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from appliance.agents.port import Frame, Message, ToolSchema
from appliance.errors import Unavailable


class ScriptedModel:
    """Answers with frames that a test wrote, one list a request."""

    name = "scripted"

    def __init__(self, *answers: list[Frame], load: float = 0.0) -> None:
        self._answers = list(answers)
        self.load = load
        self.asked: list[list[Message]] = []
        self.deadlines: list[float] = []

    def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], *, deadline: float, conversation: str
    ) -> Iterator[Frame]:
        self.asked.append(list(messages))
        self.deadlines.append(deadline)
        if not self._answers:
            raise Unavailable("the model is off")
        yield from self._answers.pop(0)
