"""Models and indexes: what is in use, what could replace it."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, get

from appliance.errors import ArtifactInvalid
from appliance.runtime import Runtime
from appliance.server.admin_schemas import ModelList, ModelOut
from appliance.server.exchange import runtime_of

_KINDS = ("recommender", "search")


@get("/models", operation_id="listModels", summary="Models and indexes")
async def list_models(request: Request[Any, Any, Any]) -> ModelList:
    """List the verified versions of every kind, the one in use first."""
    return await asyncio.to_thread(_models, runtime_of(request))


def _models(runtime: Runtime) -> ModelList:
    return ModelList(items=[_model(runtime, kind) for kind in _KINDS])


def _model(runtime: Runtime, kind: str) -> ModelOut:
    candidates = [path.name for path in runtime.artifacts.candidates(kind)]
    try:
        artifact = runtime.artifacts.current(kind)
    except ArtifactInvalid as error:
        return ModelOut(kind=kind, current="", candidates=candidates, info={"problem": error.message})
    if artifact is None:
        return ModelOut(kind=kind, current="", candidates=candidates, info={})
    return ModelOut(kind=kind, current=artifact.version, candidates=candidates, info=artifact.info)
