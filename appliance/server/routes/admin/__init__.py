"""The admin API: everything the console and the command line do to a running process."""

from __future__ import annotations

from litestar import Router

from appliance.server.auth import require_admin, require_private_line
from appliance.server.routes.admin import (
    analytics,
    claim,
    experiments,
    importing,
    jobs,
    models,
    overview,
    products,
    recommendations,
    rules,
    settings,
    tokens,
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
            jobs.list_jobs,
            jobs.read_job,
            jobs.submit_job,
            models.list_models,
            importing.import_products,
            importing.import_interactions,
            recommendations.explain,
            analytics.recommendations,
            experiments.list_experiments,
            experiments.start_experiment,
            experiments.read_experiment,
            experiments.stop_experiment,
        ],
        guards=[require_admin],
        tags=["admin"],
        security=[{"adminToken": []}],
    )


def claim_router() -> Router:
    """Return the one route that needs a code instead of a token."""
    return Router("/v1/admin", route_handlers=[claim.claim], guards=[require_private_line], tags=["admin"])
