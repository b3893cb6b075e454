"""One example a request and a response, and what the problems look like; shown by the documentation page."""

from __future__ import annotations

from typing import Any

from appliance.server import openapi_assistant

_ITEM: dict[str, Any] = {
    "product_id": "prod_012",
    "handle": "balo-da-nam",
    "title": "Ba lô da nam",
    "title_en": "Leather backpack for men",
    "thumbnail": "/demo/img/balo-da-nam.svg",
    "price": 890000,
    "currency": "VND",
    "in_stock": True,
    "score": 0.8421,
}
_SHELF: dict[str, Any] = {
    "recommendation_id": "rec_9f0c2b7e5d6a4c1f8b3e2d1a0c9b8a7f",
    "strategy": "session",
    "fallback": False,
    "items": [
        {
            **_ITEM,
            "components": {"content": 0.51, "collaborative": 0.33},
            "reason": {"code": "viewed", "text": "Vì bạn đã xem Túi đeo chéo da"},
        }
    ],
    "cache": "miss",
    "took_ms": 1.2,
}
_EVENT = {
    "type": "view",
    "product_id": "prod_012",
    "session_id": "s-7f3a",
    "event_id": "e-0001",
    "occurred_at": "2026-01-31T09:30:00Z",
}
_TOKEN = {"id": "tok_1", "kind": "secret", "name": "storefront", "secret": "sk_…"}
_RULE = {"action": "boost", "target": "category", "value": "ba-lo", "strength": 1.5, "placement": "home"}
_MESSAGE = {"session_id": "s-7f3a", "message": "shop oi co balo da nao duoi 1 trieu ko", "locale": "vi"}

REQUESTS: dict[str, Any] = {
    "sendEvents": {"events": [_EVENT, {**_EVENT, "type": "add_to_cart", "event_id": "e-0002", "quantity": 1}]},
    "track": {"product_id": "prod_012", "session_id": "s-7f3a"},
    "identifySession": {"user_id": "cus_42"},
    "getRecommendationsBatch": {
        "requests": [
            {"placement": "home", "session_id": "s-7f3a", "limit": 8},
            {"placement": "cart", "session_id": "s-7f3a", "limit": 4},
        ]
    },
    "requestPrivacy": {"kind": "export", "session_id": "s-7f3a"},
    "optOut": {"session_id": "s-7f3a"},
    "chat": _MESSAGE,
    "streamChat": _MESSAGE,
    "rateChatTurn": {"helpful": False, "comment": "Em hỏi hàng còn không."},
    "claimAppliance": {"code": "7Q2M-K4ZD-9XHP"},
    "changeProduct": {"title": "Ba lô da nam cao cấp", "variants": [{"id": "prod_012:1", "price": 850000, "stock": 7}]},
    "createRule": _RULE,
    "replaceRule": {**_RULE, "enabled": False},
    "previewRule": {"rule": _RULE, "placement": "home", "limit": 8},
    "changeSettings": {"settings": {"recommender.diversity": 0.3}},
    "createToken": {"kind": "secret", "name": "storefront"},
    "startSync": {"mode": "now"},
    "takeMedusaEvent": {
        "event": "product.updated",
        "data": {"id": "prod_01M8CBPPFQ8GGP6FRTFMREFJMZ"},
        "sent_at": "2026-11-26T16:45:00.000Z",
    },
    "submitJob": {"kind": "train"},
    "resolveConflict": {"keep": "here"},
    "startExperiment": {"name": "Bán chạy trên trang chủ", "placement": "home", "arm_b": "popular", "metric": "click"},
    "importProducts": {
        "products": [{"id": "prod_012", "title": "Ba lô da nam", "categories": ["Ba lô"], "price": 890000, "stock": 7}]
    },
    "importInteractions": {
        "interactions": [
            {"user_id": "cus_42", "product_id": "prod_012", "interaction_type": "view", "occurred_at": 1767225600}
        ],
        "create_products": False,
    },
    "importLinks": {"links": [{"session_id": "s-7f3a", "user_id": "cus_42", "at": 1767225600}]},
    **openapi_assistant.REQUESTS,
}

RESPONSES: dict[str, Any] = {
    "sendEvents": {
        "accepted": 1,
        "rejected": [{"index": 1, "code": "invalid_event", "message": "Object missing required field `type`"}],
    },
    "track": {"accepted": 1, "rejected": []},
    "identifySession": {"session_id": "s-7f3a", "user_id": "cus_42"},
    "getRecommendations": _SHELF,
    "getRecommendationsBatch": [_SHELF],
    "getSimilarProducts": {**_SHELF, "strategy": "similar"},
    "getBoughtTogether": {**_SHELF, "strategy": "bought_together"},
    "getPopularProducts": {**_SHELF, "strategy": "trending"},
    "searchProducts": {
        "total": 1,
        "items": [_ITEM],
        "facets": {
            "categories": [{"value": "ba-lo", "label": "Ba lô", "count": 1}],
            "colors": [],
            "sizes": [],
            "price": {"min": 890000, "max": 890000, "buckets": []},
            "in_stock": [{"value": "true", "label": "true", "count": 1}],
        },
        "corrections": {"dda": "da"},
        "took_ms": 2.4,
    },
    "chat": {
        "turn_id": "turn_5f2c9a",
        "reply": "Dạ có ạ, em gửi mình mẫu này nhé.",
        "intent": "product_search",
        "intents": ["product_search"],
        "confidence": 0.97,
        "slots": {"category": "balo", "price_max": 1000000},
        "products": [{**_ITEM, "score": 1.0, "reason": ""}],
        "quick_replies": ["Xem thêm", "Rẻ hơn"],
        "sources": [{"kind": "product", "id": "prod_012"}],
        "handled_by": "rules",
        "action": "answer",
        "status": "open",
        "locale": "vi",
        "took_ms": 2.1,
    },
    "getChatHistory": {
        "status": "human",
        "position": 0,
        "turns": [
            {
                "turn_id": "turn_5f2c9b",
                "position": 0,
                "author": "staff",
                "message": "",
                "reply": "Dạ em là Lan, em kiểm tra đơn giúp mình ngay ạ.",
                "handled_by": "handoff",
                "action": "",
                "helpful": None,
                "created_at": "2026-01-31T09:30:00Z",
            }
        ],
    },
    "createToken": _TOKEN,
    "claimAppliance": {**_TOKEN, "kind": "admin", "name": "claim", "secret": "adm_…"},
}

PARAMETERS: dict[str, Any] = {
    "q": "ba lô da",
    "product": "balo-da-nam",
    "session_id": "s-7f3a",
    "category": "ba-lo",
    "window": "7d",
}

PROBLEMS: dict[int, tuple[str, str, str]] = {
    400: ("invalid_input", "The request cannot be used; `errors` names each fault.", "The request is not valid."),
    401: ("unauthorised", "The caller did not prove who it is.", "Nobody may name a user_id without proof."),
    403: ("forbidden", "The caller may not do this.", "The admin API is closed to plain HTTP from other machines."),
    404: ("not_found", "There is no such thing.", "There is no such product."),
    408: ("request_timeout", "The body did not arrive in time.", "The body did not arrive in time."),
    409: ("conflict", "The request contradicts the present state.", "This appliance is claimed already."),
    413: ("payload_too_large", "The body is larger than this route takes.", "The body is too large."),
    415: (
        "unsupported_media_type",
        "The body is compressed or otherwise encoded.",
        "The body has a content encoding that is not taken.",
    ),
    429: ("rate_limited", "Too many requests; `Retry-After` says how long to wait.", "Too many requests."),
    503: ("busy", "A part is busy, starting or off; `Retry-After` says how long to wait.", "Too much is waiting."),
    507: ("disk_full", "The disk is full; nothing of the request was kept.", "The appliance's disk is full."),
}
