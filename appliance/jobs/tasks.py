"""What the queue's jobs do, each as a handler over the service that does the work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.jobs.kinds import Handler, JobContext, JobKind
from appliance.ops.training import Trainer


def model_kinds(trainer: Trainer) -> tuple[JobKind, ...]:
    """Return the kinds of jobs about the models; both take much of the machine, and nobody waits for them."""
    return (
        JobKind(name="train", handler=training_handler(trainer), priority=20, heavy=True),
        JobKind(name="evaluate", handler=evaluation_handler(trainer), priority=20, heavy=True),
    )


def training_handler(trainer: Trainer) -> Handler:
    """Return the handler of ``train`` jobs; ``{"search_only": true}`` builds the search index alone."""

    def train(context: JobContext) -> Mapping[str, Any]:
        report = trainer.run(
            search_only=bool(context.args.get("search_only")),
            progress=context.report,
            cancelled=context.cancelled.is_set,
        )
        result: Mapping[str, Any] = msgspec.to_builtins(report)
        return result

    return train


def evaluation_handler(trainer: Trainer) -> Handler:
    """Return the handler of ``evaluate`` jobs: ``k`` is the length of an answer, ``predictions`` asks for them too."""

    def evaluate(context: JobContext) -> Mapping[str, Any]:
        found = trainer.evaluate(
            k=int(context.args.get("k", 20)), progress=context.report, cancelled=context.cancelled.is_set
        )
        if not context.args.get("predictions"):
            found.pop("predictions", None)
        return found

    return evaluate
