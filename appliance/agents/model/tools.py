"""The tools that a language model may call: each is one intent of a skill with its slots, typed."""

from __future__ import annotations

from typing import Any

import msgspec

from appliance.agents.port import ToolCall, ToolSchema
from appliance.agents.types import Slots

_TEXT = {"type": "string", "maxLength": 200}
_AMOUNT = {"type": "integer", "minimum": 0, "maximum": 10**12}


class Tool(msgspec.Struct, frozen=True):
    """A tool and the intent that it stands for."""

    intent: str
    schema: ToolSchema


def _tool(name: str, intent: str, description: str, required: tuple[str, ...] = (), **properties: Any) -> Tool:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return Tool(intent, ToolSchema(name, description, parameters))


TOOLS: dict[str, Tool] = {
    tool.schema.name: tool
    for tool in (
        _tool(
            "search",
            "product_search",
            "Find products by words, price in the shop's currency, colour and size.",
            query=_TEXT,
            price_min=_AMOUNT,
            price_max=_AMOUNT,
            color=_TEXT,
            size=_TEXT,
        ),
        _tool("product", "product_info", "Facts of one product.", ("product",), product=_TEXT),
        _tool(
            "compare",
            "product_compare",
            "Two products side by side.",
            ("product", "product2"),
            product=_TEXT,
            product2=_TEXT,
        ),
        _tool(
            "recommend",
            "product_recommend",
            "Products that suit a person, an occasion or a budget.",
            query=_TEXT,
            price_max=_AMOUNT,
        ),
        _tool(
            "order_status", "order_status", "Where an order is; asks the shopper to prove it is theirs.", order_id=_TEXT
        ),
        _tool(
            "faq",
            "faq",
            "What the shop says about delivery, returns, payment, opening hours.",
            ("question",),
            question=_TEXT,
        ),
        _tool("handoff", "human_handoff", "Call a person of the shop."),
    )
}


def slots_of(call: ToolCall) -> Slots | None:
    """Return the slots of a call, or ``None`` for an unknown tool or arguments that do not fit its schema."""
    tool = TOOLS.get(call.name)
    if tool is None:
        return None
    properties = tool.schema.parameters["properties"]
    if set(call.arguments) - set(properties) or set(tool.schema.parameters["required"]) - set(call.arguments):
        return None
    slots: Slots = {}
    for name, value in call.arguments.items():
        checked = _checked(value, properties[name])
        if checked is None:
            return None
        slots["product" if name == "query" else name] = checked
    return slots


def _checked(value: object, schema: dict[str, Any]) -> str | int | None:
    if schema["type"] == "string":
        fits = isinstance(value, str) and len(value) <= schema["maxLength"]
        return value.strip() if fits and isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if schema["minimum"] <= value <= schema["maximum"] else None
