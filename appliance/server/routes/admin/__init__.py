"""The admin API: everything the console and the command line do to a running process."""

from __future__ import annotations

from litestar import Router

from appliance.server.auth import require_admin, require_private_line
from appliance.server.routes.admin import (
    analytics,
    chat_analytics,
    claim,
    conversations,
    experiments,
    faq,
    importing,
    job_events,
    jobs,
    models,
    order_requests,
    outbox,
    overview,
    owner_words,
    products,
    recommendations,
    rules,
    settings,
    sync,
    tokens,
    unanswered,
)

_IMPORTS = (
    importing.import_products,
    importing.import_interactions,
    importing.import_links,
    importing.import_orders,
    importing.import_faq,
)
_JOBS = (
    jobs.list_jobs,
    jobs.read_job,
    jobs.submit_job,
    jobs.read_schedule,
    job_events.watch_jobs,
    jobs.cancel_job,
    jobs.retry_job,
)
_SYNC = (
    sync.read_sync,
    sync.start_sync,
    sync.test_sync,
    outbox.list_outbox,
    outbox.list_conflicts,
    outbox.resolve_conflict,
)
_ASSISTANT = (
    chat_analytics.chat,
    faq.list_faq,
    faq.create_faq,
    faq.preview_faq,
    faq.replace_faq,
    faq.delete_faq,
    conversations.list_conversations,
    conversations.read_conversation,
    conversations.say_in_conversation,
    conversations.take_conversation,
    conversations.hand_back_conversation,
    conversations.close_conversation,
    conversations.delete_conversation,
    unanswered.list_unanswered,
    unanswered.answer_unanswered,
    unanswered.dismiss_unanswered,
    owner_words.list_intent_examples,
    owner_words.add_intent_example,
    owner_words.delete_intent_example,
    owner_words.list_shop_words,
    owner_words.put_shop_word,
    owner_words.delete_shop_word,
    order_requests.list_order_requests,
    order_requests.resolve_order_request,
)


def admin_router() -> Router:
    """Return every admin route behind the guard; a new route in here is closed unless a token opens it."""
    return Router(
        "/v1/admin",
        route_handlers=[
            overview.overview,
            overview.list_issues,
            products.list_products,
            products.read_product,
            products.change_product,
            rules.list_rules,
            rules.create_rule,
            rules.preview_rule,
            rules.replace_rule,
            rules.delete_rule,
            settings.read_settings,
            settings.change_settings,
            tokens.list_tokens,
            tokens.create_token,
            tokens.revoke_token,
            *_JOBS,
            *_SYNC,
            models.list_models,
            *_IMPORTS,
            recommendations.explain,
            analytics.recommendations,
            experiments.list_experiments,
            experiments.start_experiment,
            experiments.read_experiment,
            experiments.stop_experiment,
            *_ASSISTANT,
        ],
        guards=[require_admin],
        tags=["admin"],
        security=[{"adminToken": []}],
    )


def claim_router() -> Router:
    """Return the one route that needs a code instead of a token."""
    return Router("/v1/admin", route_handlers=[claim.claim], guards=[require_private_line], tags=["admin"])
