"""``appliance search``: the same answers as the API."""

from __future__ import annotations

from typing import Any

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.cli.shelves import price_text
from appliance.messages import Locale, translate

_ORDERS = ("relevance", "price_asc", "price_desc", "newest", "best_selling")


@click.command()
@click.argument("words", nargs=-1)
@click.option("--category", help="Handle or name of a category.")
@click.option("--price-min", type=click.FloatRange(min=0), help="In main units of the shop's currency.")
@click.option("--price-max", type=click.FloatRange(min=0), help="In main units of the shop's currency.")
@click.option("--in-stock", is_flag=True, default=None, help="Only what can be bought now.")
@click.option("--color", help="A colour.")
@click.option("--size", help="A size.")
@click.option("--sort", type=click.Choice(_ORDERS), default="relevance", show_default=True)
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many items.")
@click.option("--offset", type=click.IntRange(0, 10_000), default=0, help="How many to skip.")
@json_option
@pass_session
def search(session: Session, /, words: tuple[str, ...], **params: Any) -> None:
    """Search products by WORDS, with or without diacritics, slips forgiven; without words all are listed."""
    answer = session.ask("GET", "/v1/search", params={"q": " ".join(words), **params})
    if session.as_json:
        output.print_json(answer)
        return
    locale = session.locale
    for written, meant in answer["corrections"].items():
        output.say(translate("cli.corrected", locale, written=output.safe(written), meant=output.safe(meant)))
    headings = translate("cli.search_headings", locale).split("|")
    if answer["items"]:
        output.print_table(headings, _rows(answer["items"], params["offset"], locale))
    elif not answer["related"]:
        output.say(translate("cli.nothing_found", locale))
        return
    if answer["related"]:
        output.say(translate("cli.search_related", locale))
        output.print_table(headings, _rows(answer["related"], params["offset"] + len(answer["items"]), locale))
    output.say(translate("cli.search_total", locale, total=f"{answer['total']:,}", took=answer["took_ms"]))


def _rows(items: list[dict[str, Any]], before: int, locale: Locale) -> list[tuple[object, ...]]:
    return [
        (number, item["handle"], item["title"], price_text(item, locale), item["score"])
        for number, item in enumerate(items, before + 1)
    ]


COMMANDS = {"search": search}
