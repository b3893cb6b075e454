"""What the queue's jobs do, each as a handler over the service that does the work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.jobs.queue import Handler, JobContext
from appliance.ops.training import Trainer


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
