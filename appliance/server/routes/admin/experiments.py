"""Experiments: two strategies shown to two parts of the visitors, and which of them does better."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import PathParameter

from appliance.domain import ID_PATTERN, Arm, Experiment
from appliance.messages import Locale, translate
from appliance.recsys.experiments import ALPHA, ArmCounts, Verdict, rate, verdict
from appliance.runtime import Runtime
from appliance.server.analytics_schemas import (
    ArmOut,
    ExperimentIn,
    ExperimentList,
    ExperimentOut,
    ExperimentReport,
    VerdictOut,
)
from appliance.server.body import read_body
from appliance.server.exchange import runtime_of
from appliance.server.present import moment
from appliance.server.query import LocaleTag, locale_of
from appliance.server.routes.admin.analytics import attribution_of

ExperimentId = Annotated[str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN)]


@get("/experiments", operation_id="listExperiments", summary="Experiments")
async def list_experiments(request: Request[Any, Any, Any]) -> ExperimentList:
    """List all experiments, the newest first."""
    return ExperimentList(items=[_out(found) for found in reversed(runtime_of(request).experiments.list())])


@post("/experiments", status_code=201, operation_id="startExperiment", summary="Start an experiment")
async def start_experiment(request: Request[Any, Any, Any]) -> ExperimentOut:
    """Divide the visitors of a placement from now on; who opted out of profiling takes no part."""
    data = await read_body(request, ExperimentIn)
    experiment = Experiment(id="", **msgspec.structs.asdict(data))
    return _out(await asyncio.to_thread(runtime_of(request).experiments.start, experiment))


@get("/experiments/{experiment_id:str}", operation_id="getExperiment", summary="An experiment's verdict")
async def read_experiment(
    request: Request[Any, Any, Any], experiment_id: ExperimentId, locale: LocaleTag = ""
) -> ExperimentReport:
    """Say which arm does better. Looking often does not make a false verdict more likely."""
    runtime = runtime_of(request)
    experiment = runtime.experiments.get(experiment_id)
    return await asyncio.to_thread(_report, runtime, experiment, locale_of(request, locale))


@post("/experiments/{experiment_id:str}/stop", status_code=200, operation_id="stopExperiment", summary="End it")
async def stop_experiment(request: Request[Any, Any, Any], experiment_id: ExperimentId) -> ExperimentOut:
    """End an experiment for good: everybody gets what the shop does without it."""
    return _out(await asyncio.to_thread(runtime_of(request).experiments.stop, experiment_id))


def _report(runtime: Runtime, experiment: Experiment, locale: Locale) -> ExperimentReport:
    counts: dict[Arm, ArmCounts] = {"a": ArmCounts(0, 0), "b": ArmCounts(0, 0)}
    for found in attribution_of(runtime).experiment(experiment.id):
        successes = found.clicked if experiment.metric == "click" else found.bought
        counts[found.arm] = ArmCounts(found.visitors, successes)
    judged = verdict(counts["a"], counts["b"], experiment.share)
    return ExperimentReport(
        experiment=_out(experiment),
        arms=[
            ArmOut(
                arm=arm,
                strategy=experiment.strategy(arm),
                visitors=counted.visitors,
                successes=counted.successes,
                rate=round(rate(counted), 6),
            )
            for arm, counted in counts.items()
        ],
        verdict=VerdictOut(
            outcome=judged.outcome,
            difference=round(judged.difference, 6),
            low=round(judged.low, 6),
            high=round(judged.high, 6),
            confidence=1 - ALPHA,
            p_value=round(judged.p_value, 6),
            mismatch=judged.mismatch,
            text=_text(experiment, judged, locale),
            warning=_warning(experiment, judged, locale),
        ),
    )


def _text(experiment: Experiment, judged: Verdict, locale: Locale) -> str:
    """Return the verdict as a sentence, with the better arm first."""
    if not judged.a.visitors or not judged.b.visitors:
        return translate("experiment.nobody", locale)
    better: Arm = "a" if judged.outcome == "a" else "b"
    sign = -1 if better == "a" else 1
    low, high = sorted((sign * judged.low, sign * judged.high))
    return translate(
        f"experiment.{'undecided' if judged.outcome == 'none' else 'better'}.{experiment.metric}",
        locale,
        arm=better.upper(),
        strategy=translate(f"choice.{experiment.strategy(better)}", locale),
        other="B" if better == "a" else "A",
        difference=_points(sign * judged.difference, locale),
        low=_points(low, locale),
        high=_points(high, locale),
        sure=f"{1 - ALPHA:.0%}",
    )


def _warning(experiment: Experiment, judged: Verdict, locale: Locale) -> str:
    if not judged.mismatch:
        return ""
    total = judged.a.visitors + judged.b.visitors
    return translate(
        "experiment.mismatch",
        locale,
        found=f"{judged.b.visitors / total:.0%}",
        wanted=f"{experiment.share:.0%}",
        visitors=total,
    )


def _points(difference: float, locale: Locale) -> str:
    """Return a difference in percentage points as people of a language write it."""
    text = f"{difference * 100:+.2f}".replace("-", "−")
    return text.replace(".", ",") if locale == "vi" else text


def _out(experiment: Experiment) -> ExperimentOut:
    return ExperimentOut(
        id=experiment.id,
        name=experiment.name,
        placement=experiment.placement,
        arm_a=experiment.arm_a,
        arm_b=experiment.arm_b,
        share=experiment.share,
        metric=experiment.metric,
        state="running" if experiment.running else "ended",
        started_at=moment(experiment.started_at),
        ended_at=None if experiment.ended_at is None else moment(experiment.ended_at),
    )
