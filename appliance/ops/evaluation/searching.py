"""``evaluate search``: the shop's own search on judged queries.

The index is built from the products as ``appliance train`` builds it and answers as it does in the shop. Nothing is
fitted to the judgements. Only queries with a product of positive grade count; products that are judged but not in the
file stay in the denominators. With the grades g of a query's products, the answer's places i and its relevant
products R (those with g > 0):

    hit@k = 1 if any of R is among the first k       recall@20 = |R ∩ first 20| / |R|
    ndcg@k = Σ_{i ≤ k} g_i / log₂(i + 1) over the same sum of the best possible order (Järvelin & Kekäläinen 2002)
    mrr@10 = 1 / place of the first of R among the first 10, else 0

A query's time is that of the whole first page, facets included.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from appliance.errors import InvalidInput
from appliance.ops.evaluation.bm25 import Bm25
from appliance.ops.evaluation.metrics import coverage, hit_at, intervals, mrr_at, recall_at, summary
from appliance.ops.evaluation.records import read_products, read_table, schema
from appliance.ops.evaluation.report import Clock, Outcome, Tell, named, silent
from appliance.ops.evaluation.shop_search import ShopSearch
from appliance.recsys.base import Doubles, Ints
from appliance.recsys.sequences import Sequences, from_lists
from appliance.text import words

RECALL_AT, MRR_AT = 20, 10
_QUERIES = schema("queries", {"query_id": "qid id", "query": "text q"})
_JUDGEMENTS = schema(
    "judgements", {"query_id": "qid", "product_id": "item_id docid", "grade": "relevance rating label score"}
)
_BATCH = 256


class Judgements(NamedTuple):
    """What is right for each query, in the order of the queries; rows beyond the catalogue name unknown products."""

    relevant: Sequences
    grades: list[dict[int, float]]
    """Row to positive grade, by query."""


def evaluate(products: Path, *, queries: Path, judgements: Path, k: int = 10, tell: Tell = silent) -> Outcome:
    """Search for every query and compare with the judgements.

    Raises ``InvalidInput`` for a file that cannot be used, with the line number where there is one.
    """
    catalogue, asked = read_products(products), _read_queries(queries)
    ids = [product.id for product in catalogue.products]
    judged = _read_judgements(judgements, list(asked), ids)
    clock, width = Clock(), max(k, RECALL_AT)
    tell(0.1, "fit")
    with clock.stage("fit"):
        engine = ShopSearch(catalogue.products)
    ranked = answers(engine, list(asked.values()), width, clock, lambda share: tell(0.2 + 0.6 * share, "query"))
    counted = judged.relevant.lengths > 0
    if not counted.any():
        raise InvalidInput(
            f"{judgements} judges no query of {queries} with a grade above 0.", hint="Compare the query ids."
        )
    values = _measured(ranked, judged, k)
    tell(0.9, "baselines")
    titles = Bm25([words(product.title) for product in catalogue.products])
    plain = titles.best([words(query) for query in asked.values()], width)
    report: dict[str, Any] = {
        "queries": int(counted.sum()),
        **summary(values),
        "coverage": round(coverage(ranked[:, :k], len(ids)), 6),
        **clock.costs(),
        "products": len(ids),
        "skipped": {"products": catalogue.skipped, "queries_without_judgement": int((~counted).sum())},
        "intervals": intervals(values),
        "model": {"engine": "the shop's search index", **engine.facts},
        "baselines": {"bm25_title": summary(_measured(plain, judged, k))},
    }
    return Outcome(
        report,
        ({"query_id": query, "items": named(ids, row.tolist())} for query, row in zip(asked, ranked, strict=True)),
    )


def answers(
    engine: ShopSearch, queries: Sequence[str], width: int, clock: Clock, told: Any = lambda _share: None
) -> Ints:
    """Return the first ``width`` products for each query, int32[q, width], -1 pads; every query is timed."""
    ranked = np.full((len(queries), width), -1, np.int32)
    for number, query in enumerate(queries):
        with clock.query():
            found = engine.answer(query, width)
        ranked[number, : len(found)] = found
        if number % _BATCH == 0:
            told(number / len(queries))
    return ranked


def graded_ndcg(ranked: Ints, grades: Sequence[dict[int, float]], k: int) -> Doubles:
    """Return Σ g/log₂(place + 1) over the first ``k`` over that of the best order, 0 without a positive grade."""
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    values = np.zeros(len(ranked))
    for number, (row, known) in enumerate(zip(ranked[:, :k].tolist(), grades, strict=True)):
        if known:
            gained = np.array([known.get(item, 0.0) for item in row])
            best = np.sort(np.fromiter(known.values(), np.float64, len(known)))[::-1][:k]
            values[number] = gained @ discounts[: len(gained)] / (best @ discounts[: len(best)])
    return values


def _measured(ranked: Ints, judged: Judgements, k: int) -> dict[str, Doubles]:
    counted = judged.relevant.lengths > 0
    values = {
        f"hit@{k}": hit_at(ranked, judged.relevant, k),
        f"ndcg@{k}": graded_ndcg(ranked, judged.grades, k),
        f"recall@{RECALL_AT}": recall_at(ranked, judged.relevant, RECALL_AT),
        f"mrr@{MRR_AT}": mrr_at(ranked[:, :MRR_AT], judged.relevant, MRR_AT),
    }
    return {name: column[counted] for name, column in values.items()}


def _read_queries(path: Path) -> dict[str, str]:
    queries: dict[str, str] = {}
    for line, row in read_table(path, _QUERIES, blank="query"):
        if row["query_id"] in queries:
            raise InvalidInput(
                f"{path}, line {line}: the query {row['query_id'][:50]!r} stands there already.",
                hint="Give every query an id of its own.",
            )
        queries[row["query_id"]] = row["query"]
    if not queries:
        raise InvalidInput(f"{path} holds no query.", hint="Write query_id,query and a query a line.")
    return queries


def _read_judgements(path: Path, queries: Sequence[str], ids: Sequence[str]) -> Judgements:
    places = {query: place for place, query in enumerate(queries)}
    rows = {product_id: row for row, product_id in enumerate(ids)}
    grades: list[dict[int, float]] = [{} for _ in queries]
    for line, judged in read_table(path, _JUDGEMENTS):
        try:
            grade = float(judged["grade"])
        except ValueError:
            grade = np.nan
        if not np.isfinite(grade):
            raise InvalidInput(
                f"{path}, line {line}: {judged['grade'][:50]!r} is no grade.", hint="Write a number, 0 for irrelevant."
            )
        place = places.get(judged["query_id"])
        if place is not None and grade > 0:
            row = rows.setdefault(judged["product_id"], len(rows))
            grades[place][row] = max(grade, grades[place].get(row, 0.0))
    return Judgements(from_lists([list(known) for known in grades]), grades)
