"""Completes Litestar's OpenAPI document: exact schemas, examples, and every error code that a route can answer."""

from __future__ import annotations

import inspect
import zoneinfo
from typing import Any

import msgspec

from appliance.ops.importing import wire
from appliance.ops.importing.columns import FAQ, INTERACTIONS, LINKS, ORDERS, PRODUCTS, Schema
from appliance.server import (
    admin_schemas,
    analytics_schemas,
    chat_schemas,
    openapi_assistant,
    outbox_schemas,
    problems,
    schemas,
    sync_schemas,
    talk_schemas,
)
from appliance.server.openapi_examples import PARAMETERS, PROBLEMS, REQUESTS, RESPONSES
from appliance.settings import Secret, Settings
from appliance.store.ingest import EventIn

_REF = "#/components/schemas/{name}"
_NAMES_A_CUSTOMER = {
    "sendEvents",
    "track",
    "identifySession",
    "getRecommendations",
    "getRecommendationsBatch",
    "requestPrivacy",
    "optOut",
    *("chat", "streamChat", "getChatHistory"),
}
_BODIES = {
    "sendEvents": "EventBatch",
    "track": "EventIn",
    "identifySession": "IdentifyIn",
    "getRecommendationsBatch": "RecommendationBatch",
    "requestPrivacy": "PrivacyRequestIn",
    "optOut": "OptOutIn",
    "chat": "ChatIn",
    "streamChat": "ChatIn",
    "rateChatTurn": "FeedbackIn",
    "claimAppliance": "ClaimIn",
    "changeProduct": "ProductPatch",
    "createRule": "RuleIn",
    "replaceRule": "RuleIn",
    "previewRule": "RulePreviewIn",
    "changeSettings": "SettingsPatch",
    "createToken": "TokenIn",
    "submitJob": "JobIn",
    "takeMedusaEvent": "HookIn",
    "startSync": "SyncIn",
    "resolveConflict": "DecisionIn",
    "startExperiment": "ExperimentIn",
    "importProducts": "ProductsBody",
    "importInteractions": "InteractionsBody",
    "importLinks": "LinksBody",
    **openapi_assistant.BODIES,
}
"""The bodies that the handlers read by themselves, by operation."""
_NOT_FOUND = {"getPopularProducts", "listAdminProducts", "submitJob", "takeMedusaEvent", "startSync", "testSync"}
_CONFLICT = {
    *("claimAppliance", "changeProduct", "createRule", "replaceRule", "previewRule"),
    *("startExperiment", "stopExperiment", "getRecommendationAnalytics", "cancelJob", "retryJob", "resolveConflict"),
    *openapi_assistant.CONFLICTS,
}
_LABEL = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"
_HOST = rf"^({_LABEL}\.){{0,3}}[a-z]([a-z0-9-]{{0,30}}[a-z0-9])?$"
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_NETWORK = rf"^{_BYTE}(\.{_BYTE}){{3}}/(3[0-2]|[12]?[0-9])$"
_INTERVAL = r"^[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?:[0-9]{1,3}$"
_ORIGIN = (
    rf"^https?://(({_LABEL}\.){{0,3}}[a-z]([a-z0-9-]{{0,30}}[a-z0-9])?|{_BYTE}(\.{_BYTE}){{3}})(:[1-9][0-9]{{0,3}})?$"
)
_HOURS = r"^$|^(0[0-9]|1[01]):[0-5][0-9]-(1[2-9]|2[0-3]):[0-5][0-9]$"
_FROM_ZERO = {"price_min", "price_max", "offset"}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with schemas, problems and examples filled in."""
    components = document["components"]
    components["schemas"] |= _schemas()
    components["responses"] = {f"Problem{status}": _problem_response(status) for status in PROBLEMS}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            _complete_operation(path, method, operation)
    paths = document["paths"]
    _use_own_media_type(paths["/metrics"]["get"])
    not_ready = {"$ref": _REF.format(name="ReadyOut")}
    paths["/readyz"]["get"]["responses"]["503"] = {
        "description": "Not ready; the body says why.",
        "content": {"application/json": {"schema": not_ready}, **_problem_content(503)},
    }
    _describe_events(paths["/v1/chat/stream"]["post"], ["delta", "products", "done", "error"], '{"text":"Dạ có ạ. "}')
    _describe_events(paths["/v1/admin/jobs/events"]["get"], ["job"], '{"id":"…","kind":"train","state":"running"}')
    paths["/v1/products/{product}"]["get"]["responses"]["304"] = {"description": "The client's copy is current."}
    return document


def _schemas() -> dict[str, Any]:
    """Return msgspec's own schemas: they have every bound, also inside lists, and refuse unknown fields."""
    types: list[Any] = [problems.Problem, wire.BatchReply, wire.ProductsBody, wire.InteractionsBody, EventIn]
    types += [wire.LinksBody, wire.OrdersBody, wire.FaqBody]
    for module in (schemas, admin_schemas, analytics_schemas, chat_schemas, outbox_schemas, sync_schemas, talk_schemas):
        types += [
            value
            for _, value in inspect.getmembers(module, inspect.isclass)
            if issubclass(value, msgspec.Struct) and value not in (schemas.In, schemas.Out)
        ]
    _, found = msgspec.json.schema_components(types, ref_template=_REF)
    found["EventIn"]["title"] = "Event"
    event = {"$ref": _REF.format(name="EventIn")}
    found["EventBatch"]["properties"]["events"]["items"] = _judged_alone(event)
    for name, field, schema in (
        ("ProductsBody", "products", PRODUCTS),
        ("InteractionsBody", "interactions", INTERACTIONS),
        ("LinksBody", "links", LINKS),
        ("OrdersBody", "orders", ORDERS),
        ("FaqBody", "faq", FAQ),
    ):
        rows = {"items": _judged_alone(_row(schema)), "minItems": 1, "maxItems": wire.MAX_BATCH}
        found[name]["properties"][field] |= rows
    found["SettingsPatch"]["properties"]["settings"] |= _settings_schema(found)
    return dict(found)


def _judged_alone(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"description": "Anything else is named in `rejected`; the others are kept."}]}


def _row(schema: Schema) -> dict[str, Any]:
    columns: dict[str, Any] = {column: {} for column in sorted(set(schema.aliases.values()))}
    return {"type": "object", "properties": columns, "description": "A row as in a JSONL file."}


def _settings_schema(found: dict[str, Any]) -> dict[str, Any]:
    kinds = [section.type for section in msgspec.structs.fields(Settings)]
    _, sections = msgspec.json.schema_components(kinds, schema_hook=_secret_schema, ref_template=_REF)
    keys = {
        f"{section.name}.{name}": {key: value for key, value in schema.items() if key != "default"}
        for section in msgspec.structs.fields(Settings)
        for name, schema in sections[section.type.__name__]["properties"].items()
    }
    for key, schema in _checked_settings().items():
        keys[key] |= schema
    return {"properties": keys, "additionalProperties": False}


def _secret_schema(kind: type) -> dict[str, Any]:
    """Return the schema of ``Secret``, the one type of the settings that msgspec does not know."""
    if kind is not Secret:
        raise NotImplementedError(kind)
    return {"type": "string", "writeOnly": True}


def _checked_settings() -> dict[str, Any]:
    """Return what the settings' own types cannot say: the forms that ``appliance.settings`` asks for in code."""
    host = {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}, {"pattern": _HOST}]}
    network = {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}, {"pattern": _NETWORK}]}
    origin = {"type": "string", "pattern": _ORIGIN}
    schemas: dict[str, Any] = {
        "server.host": host,
        "server.allowed_hosts": {"items": host},
        "server.origins": {"items": origin},
        "server.trusted_proxies": {"items": network},
        "assistant.handoff_contact_hours": {"type": "string", "pattern": _HOURS},
        "medusa.url": {"type": "string", "pattern": rf"^$|{_ORIGIN}"},
        "recommender.repurchase_by_category": {"items": {"type": "string", "pattern": _INTERVAL}},
    }
    zones = sorted(zoneinfo.available_timezones())
    return schemas | ({"shop.timezone": {"enum": zones}} if zones else {})


def _complete_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    operation.pop("deprecated", None)
    for parameter in operation.get("parameters", ()):
        _complete_parameter(parameter)
    if name in _BODIES:
        operation["requestBody"] = _request_body(name)
    responses = operation["responses"]
    for status in sorted(_statuses(path, method, operation)):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    for status, response in responses.items():
        if status.startswith("2"):
            response.pop("headers", None)
            content = response.get("content", {}).get("application/json")
            if content is not None and name in RESPONSES:
                content["example"] = RESPONSES[name]


def _request_body(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": _REF.format(name=_BODIES[name])}
    if name == "track":
        schema = _judged_alone(schema)
    return {"required": True, "content": {"application/json": {"schema": schema, "example": REQUESTS[name]}}}


def _statuses(path: str, method: str, operation: dict[str, Any]) -> set[int]:
    """Return the problems that an operation can answer."""
    name = operation["operationId"]
    statuses = {400, 429, 503}
    is_admin = path.startswith("/v1/admin")
    if operation.get("security") or is_admin or name == "takeMedusaEvent":
        statuses.add(401)
    if is_admin or name in _NAMES_A_CUSTOMER:
        statuses.add(403)
    if "{" in path or name in _NOT_FOUND:
        statuses.add(404)
    if "requestBody" in operation:
        statuses |= {408, 413, 415}
    if name in _CONFLICT:
        statuses.add(409)
    if method in ("post", "put", "patch", "delete"):
        statuses.add(507)
    return statuses


def _complete_parameter(parameter: dict[str, Any]) -> None:
    for noise in ("deprecated", "allowEmptyValue", "allowReserved"):
        parameter.pop(noise, None)
    schema = parameter["schema"]
    schema.pop("description", None)
    branches = schema.pop("oneOf", None)
    if branches:
        # A query string cannot say null: leaving the parameter out does.
        schema |= next(branch for branch in branches if branch.get("type") != "null")
    if parameter["name"] in _FROM_ZERO:
        schema["minimum"] = 0
    if parameter["name"] in PARAMETERS:
        parameter["example"] = PARAMETERS[parameter["name"]]


def _problem_response(status: int) -> dict[str, Any]:
    _, description, _ = PROBLEMS[status]
    response: dict[str, Any] = {"description": description, "content": _problem_content(status)}
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds."}}
    return response


def _problem_content(status: int) -> dict[str, Any]:
    code, _, detail = PROBLEMS[status]
    example = problems.Problem(
        type=problems.TYPE_PREFIX + code, title=problems.title_of(status), status=status, detail=detail, code=code
    )
    schema = {"$ref": _REF.format(name="Problem")}
    return {problems.MEDIA_TYPE: {"schema": schema, "example": msgspec.to_builtins(example)}}


def _use_own_media_type(operation: dict[str, Any]) -> None:
    operation["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}


def _describe_events(operation: dict[str, Any], names: list[str], data: str) -> None:
    """Describe one server-sent event, by the names that it can have and the data of one with the first of them.

    The data of ``done`` is a ``ChatOut``, that of ``products`` its ``products``, that of ``job`` a ``JobOut``.
    """
    schema = {
        "type": "object",
        "properties": {"event": {"enum": names}, "data": {"type": "string", "contentMediaType": "application/json"}},
        "required": ["event", "data"],
    }
    example = {"event": names[0], "data": data}
    operation["responses"]["200"]["content"] = {"text/event-stream": {"schema": schema, "example": example}}
