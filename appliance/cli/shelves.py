"""``recommend``, ``similar`` and ``popular``: the same answers as the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args
from urllib.parse import quote

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.domain import Placement
from appliance.messages import Locale, translate

_VIETNAMESE_MARKS = str.maketrans(",.", ".,")
_LIMIT = click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="How many items.")
_LOCALE = click.option("--locale", type=click.Choice(["vi", "en"]), help="Language of the reasons.")


@click.command()
@click.option("--user", "user_id", help="A customer's id.")
@click.option("--session", "session_id", help="A visitor's session.")
@click.option("--placement", type=click.Choice(get_args(Placement)), default="home", show_default=True)
@click.option("--product", "product_id", help="Id or handle of the product that the page shows.")
@click.option("--category", help="Handle or name of a category.")
@click.option("--explain", is_flag=True, help="Show the whole derivation, candidates that lost included.")
@_LIMIT
@_LOCALE
@json_option
@pass_session
def recommend(session: Session, /, *, explain: bool, **params: Any) -> None:
    """Recommend products for a visitor and a place on a page."""
    if explain:
        _explain(session, params)
    else:
        _answer(session, "/v1/recommendations", params)


@click.command()
@click.argument("product")
@_LIMIT
@_LOCALE
@json_option
@pass_session
def similar(session: Session, /, product: str, **params: Any) -> None:
    """List products like PRODUCT (an id or handle)."""
    _answer(session, f"/v1/products/{quote(product, safe='')}/similar", params)


@click.command()
@click.option("--category", help="Handle or name of a category.")
@click.option("--window", default="7d", show_default=True, help="Days, for example 30d.")
@_LIMIT
@_LOCALE
@json_option
@pass_session
def popular(session: Session, /, **params: Any) -> None:
    """List what shoppers look at and buy most."""
    _answer(session, "/v1/products/popular", params)


def _ask(session: Session, path: str, params: Mapping[str, object]) -> Any:
    return session.ask("GET", path, params={**params, "locale": params.get("locale") or session.locale})


def _answer(session: Session, path: str, params: Mapping[str, object]) -> None:
    answer = _ask(session, path, params)
    if session.as_json:
        output.print_json(answer)
        return
    locale = session.locale
    if not answer["items"]:
        output.say(translate("cli.nothing_found", locale))
        return
    headings = translate("cli.shelf_headings", locale).split("|")
    rows = [
        (number, item["handle"], item["title"], price_text(item, locale), item["score"], item["reason"]["text"])
        for number, item in enumerate(answer["items"], 1)
    ]
    output.print_table(headings, rows)
    key = "cli.shelf_fallback" if answer["fallback"] else "cli.shelf_strategy"
    output.say(
        translate(key, locale, strategy=translate(f"strategy.{answer['strategy']}", locale), took=answer["took_ms"])
    )


def _explain(session: Session, params: Mapping[str, object]) -> None:
    answer = _ask(session, "/v1/admin/recommendations/explain", params)
    if session.as_json:
        output.print_json(answer)
        return
    locale, derivation = session.locale, answer["trace"]["derivation"]
    components = list(derivation["weights"])
    headings = translate("cli.derivation_headings", locale).split("|")
    names = [translate(f"component.{name}", locale) for name in components]
    rows = [
        (
            trace["place"] or "",
            trace["rank"] or "",
            trace["title"],
            trace["score"],
            *(_times(trace["components"].get(name), derivation["weights"][name]) for name in components),
            ", ".join(evidence["title"] for evidence in trace["evidence"][:2]),
            translate(f"fate.{trace['fate']}", locale),
        )
        for trace in derivation["candidates"]
    ]
    output.print_table([*headings[:4], *names, *headings[4:]], rows)
    bucket = derivation["bucket"]
    output.say(
        translate(
            "cli.derivation_weights",
            locale,
            known=derivation["known"],
            weights=", ".join(
                f"{translate(f'component.{name}', locale)} {derivation['weights'][name]:.3g}" for name in components
            ),
            confidence=translate(f"confidence.{bucket['confidence']}", locale),
            cases=bucket["cases"],
        )
    )


def _times(value: float | None, weight: float) -> str:
    return "" if value is None else f"{value:.2f} × {weight:.2f}"


def price_text(item: Mapping[str, Any], locale: Locale) -> str:
    """Return a price as people of a language write it, marked when the product is sold out."""
    price, currency = item["price"], item["currency"]
    amount = "" if price is None else f"{price:,} {currency}" if isinstance(price, int) else f"{price:,.2f} {currency}"
    if locale == "vi":
        amount = amount.translate(_VIETNAMESE_MARKS).replace("VND", "₫")
    return amount if item["in_stock"] else f"{amount} ✗".strip()


COMMANDS = {"recommend": recommend, "similar": similar, "popular": popular}
