"""Merchandising rules: pin, boost, bury, exclude."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, post, put
from litestar.params import PathParameter

from appliance.domain import ID_PATTERN, Rule
from appliance.errors import Conflict, NotFound
from appliance.recsys.base import RecommendRequest
from appliance.recsys.rules import active, spoken_of
from appliance.runtime import Runtime
from appliance.server.admin_schemas import RuleIn, RuleList, RuleOut, RulePreviewIn, RulePreviewOut
from appliance.server.body import read_body
from appliance.server.exchange import runtime_of
from appliance.server.present import moment
from appliance.server.query import locale_of
from appliance.server.shelves import items_out
from appliance.store.rule_values import checked_range
from appliance.store.rules import checked_rule

RuleId = Annotated[str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN)]


@get("/rules", operation_id="listRules", summary="Merchandising rules")
async def list_rules(request: Request[Any, Any, Any]) -> RuleList:
    """List all rules, also those that are switched off."""
    return RuleList(items=[_out(rule) for rule in runtime_of(request).rules.list()])


@post("/rules", status_code=201, operation_id="createRule", summary="A new rule")
async def create_rule(request: Request[Any, Any, Any]) -> RuleOut:
    """Make a rule; it counts from the next recommendation on."""
    data = await read_body(request, RuleIn)
    runtime = runtime_of(request)
    return await asyncio.to_thread(_saved, runtime, _rule(runtime, "", data))


@put("/rules/{rule_id:str}", operation_id="replaceRule", summary="Replace a rule")
async def replace_rule(request: Request[Any, Any, Any], rule_id: RuleId) -> RuleOut:
    """Replace a rule as a whole."""
    data = await read_body(request, RuleIn)
    runtime = runtime_of(request)
    if not any(known.id == rule_id for known in runtime.rules.list()):
        raise NotFound("There is no such rule.")
    return await asyncio.to_thread(_saved, runtime, _rule(runtime, rule_id, data))


@post("/rules/preview", status_code=200, operation_id="previewRule", summary="A shelf without and with a rule")
async def preview_rule(request: Request[Any, Any, Any]) -> RulePreviewOut:
    """Answer one shelf twice past the cache; nothing is kept and it counts as no impression."""
    data = await read_body(request, RulePreviewIn)
    runtime, locale = runtime_of(request), locale_of(request, "")
    kept = runtime.rules.list()
    rule = checked_rule(_rule(runtime, data.replaces or "preview", data.rule))
    known = any(old.id == rule.id for old in kept)
    tried = [rule if old.id == rule.id else old for old in kept] + ([] if known else [rule])
    card = runtime.catalogue.resolve(data.product_id) if data.product_id else None
    category = runtime.catalogue.category(data.category) if data.category else None
    asked = RecommendRequest(
        user_id=data.user_id,
        session_id=data.session_id,
        placement=data.placement,
        product_id=data.product_id if card is None else card.id,
        category=data.category if category is None else category.handle,
        limit=data.limit,
        locale=locale,
    )

    def both() -> RulePreviewOut:
        before, after = (runtime.recommender.recommend(asked, rules=rules) for rules in (kept, tried))
        return RulePreviewOut(
            products=spoken_of(rule, runtime.catalogue.cards()),
            holds=bool(active([rule], data.placement, runtime.now())),
            before=items_out(runtime.catalogue, before),
            after=items_out(runtime.catalogue, after),
        )

    return await asyncio.to_thread(both)


@delete("/rules/{rule_id:str}", status_code=204, operation_id="deleteRule", summary="Delete a rule")
async def delete_rule(request: Request[Any, Any, Any], rule_id: RuleId) -> None:
    """Delete a rule; it stops counting at once."""
    if not await asyncio.to_thread(runtime_of(request).rules.delete, rule_id):
        raise NotFound("There is no such rule.")


def _saved(runtime: Runtime, rule: Rule) -> RuleOut:
    saved = runtime.rules.save(rule)
    return msgspec.structs.replace(_out(saved), products=spoken_of(saved, runtime.catalogue.cards()))


def _rule(runtime: Runtime, rule_id: str, data: RuleIn) -> Rule:
    if data.starts_at is not None and data.ends_at is not None and data.ends_at <= data.starts_at:
        raise Conflict("A rule cannot end before it begins.", hint="Set ends_at later than starts_at.")
    return Rule(
        id=rule_id,
        action=data.action,
        target=data.target,
        value=_value(runtime, data),
        placement=data.placement,
        position=data.position,
        strength=data.strength,
        starts_at=_seconds(data.starts_at),
        ends_at=_seconds(data.ends_at),
        enabled=data.enabled,
    )


def _value(runtime: Runtime, data: RuleIn) -> str:
    """Return the value as rules keep it; a product or category that the shop does not know yet stays as it was sent."""
    if data.target == "product":
        card = runtime.catalogue.resolve(data.value)
        return data.value if card is None else card.id
    if data.target == "category":
        category = runtime.catalogue.category(data.value)
        return data.value if category is None else category.handle
    if data.target == "tag":
        return data.value
    try:
        return checked_range(data.target, data.value, runtime.settings.shop.currency)
    except ValueError as error:
        raise Conflict(f"The {data.target} range {data.value[:100]!r} cannot be used.", hint=f"{error}.") from None


def _out(rule: Rule) -> RuleOut:
    return RuleOut(
        id=rule.id,
        action=rule.action,
        target=rule.target,
        value=rule.value,
        placement=rule.placement,
        position=rule.position,
        strength=rule.strength,
        starts_at=None if rule.starts_at is None else moment(rule.starts_at),
        ends_at=None if rule.ends_at is None else moment(rule.ends_at),
        enabled=rule.enabled,
    )


def _seconds(when: datetime | None) -> float | None:
    return None if when is None else when.timestamp()
