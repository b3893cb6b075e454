"""What the OpenAPI document says of the owner's routes about the assistant: bodies, examples, conflicts."""

from __future__ import annotations

from typing import Any

BODIES = {
    "importOrders": "OrdersBody",
    "importFaq": "FaqBody",
    "createFaq": "FaqIn",
    "replaceFaq": "FaqIn",
    "previewFaq": "FaqPreviewIn",
    "sayInConversation": "StaffMessageIn",
    "answerUnanswered": "UnansweredAnswerIn",
    "addIntentExample": "IntentExampleIn",
    "putShopWord": "ShopWordIn",
    "resolveOrderRequest": "ResolveIn",
}
"""The bodies that the handlers read by themselves, by operation."""
CONFLICTS = {
    "createFaq",
    "replaceFaq",
    "answerUnanswered",
    "addIntentExample",
    "putShopWord",
    "resolveOrderRequest",
}
_ANSWERS = {"vi": "Dạ shop gói quà miễn phí ạ.", "en": "Gift wrapping is free."}
_FAQ = {"answers": _ANSWERS, "questions": {"vi": ["Shop có gói quà không?"], "en": ["Do you gift wrap?"]}}

REQUESTS: dict[str, Any] = {
    "importOrders": {
        "orders": [
            {
                "display_id": "1024",
                "status": "shipped",
                "phone": "0912000111",
                "email": "minh@example.com",
                "items": [{"title": "Balo City", "quantity": 1, "total": 450000}],
                "currency": "VND",
            }
        ]
    },
    "importFaq": {"faq": [{"intent": "warranty", "vi": "Bảo hành 12 tháng.", "en": "12 months."}]},
    "createFaq": _FAQ,
    "replaceFaq": {**_FAQ, "enabled": False},
    "previewFaq": {"question": "Shop có gói quà không?", "locale": "vi"},
    "sayInConversation": {"text": "Dạ em nghe đây ạ."},
    "answerUnanswered": {"answers": _ANSWERS},
    "addIntentExample": {"intent": "warranty", "text": "máy hư thì đem đi đâu"},
    "putShopWord": {"meaning": "bảng size"},
    "resolveOrderRequest": {"status": "done", "note": "Đã đổi địa chỉ."},
}
