"""``evaluate next``: the last item of each history from those before it, the whole catalogue ranked without them.

The protocol of the S3-Rec table with full ranking (Zhou et al. 2020): one right answer a user, HR@k = hit@k,
NDCG@k = 1/log₂(place + 1). Everything but the last items is training data; the model chooses its settings and weights
there, hiding the last training items in turn.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from appliance.errors import InvalidInput
from appliance.ops.evaluation import metrics
from appliance.ops.evaluation.readers import Histories, read_histories
from appliance.ops.evaluation.report import Clock, Outcome, Tell, silent
from appliance.recsys.base import Doubles, Ints
from appliance.recsys.next_item.batches import batch_rankings
from appliance.recsys.next_item.choosing import build, choose, fit
from appliance.recsys.next_item.model import NextItemModel
from appliance.recsys.next_item.specs import Choice
from appliance.recsys.sequences import Sequences, from_lists

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_TOLD_EVERY = 500
_BLOCK = 512


class _Split(NamedTuple):
    """``cases`` are the owners with something before their last item; the rest only trains."""

    train: Sequences
    cases: Ints
    histories: Sequences
    targets: Ints


class Study(NamedTuple):
    """One shop's answers, measured: metrics by name, float64[users] each."""

    blend: dict[str, Doubles]
    parts: dict[str, dict[str, Doubles]]
    choice: Choice


def study(sequences: Path, *, attributes: Path | None, users: int | None, seed: int, k: int = 20) -> Study:
    """Return the metrics of every user of a shop drawn as in ``evaluate``, for the blend and for each part alone."""
    shop = _shop(sequences, attributes, users, seed)
    model = fit(shop.split.train, shop.known.size, content=shop.content, seed=seed)
    blend, parts = batch_rankings(model, shop.split.histories, shop.split.histories, k)
    return Study(
        _by_case(blend, shop.split.targets, k),
        {part: _by_case(ranked, shop.split.targets, k) for part, ranked in parts.items()},
        model.choice,
    )


def evaluate(
    sequences: Path,
    *,
    attributes: Path | None = None,
    k: int = 20,
    users: int | None = None,
    seed: int = 0,
    tell: Tell = silent,
) -> Outcome:
    """Choose and fit without the last items, then predict them; ``users`` draws a small shop of that many histories.

    Raises ``InvalidInput`` for unusable files and when nobody has two items.
    """
    known, content, split = _shop(sequences, attributes, users, seed)
    clock = Clock()
    with clock.stage("select"):
        choice = choose(
            split.train, known.size, content=content, seed=seed, tell=lambda share, stage: tell(0.5 * share, stage)
        )
    with clock.stage("fit"):
        model = build(split.train, known.size, choice, content=content)
    ranked = _answers(model, split, k, clock, tell)
    costs = clock.costs()
    report = _report(model, split, ranked, k, seed) | costs
    report["model"] = {"family": "next_item", **msgspec.to_builtins(choice)}
    tell(1.0, "done")
    return Outcome(report, _predictions(known, split, ranked))


def small_shop(known: Histories, users: int, seed: int) -> Histories:
    """Return a shop of ``users`` histories drawn at random; its catalogue is what they have."""
    count = known.sequences.owners
    if not 0 < users <= count:
        raise InvalidInput(f"{users} users cannot be drawn from {count}.", hint=f"Ask for 1 to {count}.")
    owners = np.sort(np.random.default_rng(seed).choice(count, users, replace=False))
    drawn = known.sequences.take(owners)
    rows, items = np.unique(drawn.items, return_inverse=True)
    return Histories(
        [known.users[owner] for owner in owners],
        [known.items[row] for row in rows],
        drawn._replace(items=items.astype(np.int32)),
    )


def read_attributes(path: Path, items: list[str]) -> csr_array[Any]:
    """Read JSON ``{"item": [id, …]}``, plain or gzipped, as float32[items, attributes]; others are ignored.

    Raises ``InvalidInput`` for anything else.
    """
    from scipy.sparse import csr_array

    try:
        data = path.read_bytes()
        text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        listed = msgspec.json.decode(text, type=dict[str, list[int | str]])
    except (OSError, EOFError, msgspec.DecodeError) as error:
        raise InvalidInput(
            f"{path} cannot be read: {error}.", hint='Write one JSON object, {"item": [attribute, …]}.'
        ) from None
    numbers: dict[int | str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for row, item in enumerate(items):
        for attribute in dict.fromkeys(listed.get(item, ())):
            rows.append(row)
            columns.append(numbers.setdefault(attribute, len(numbers)))
    ones = np.ones(len(rows), np.float32)
    return csr_array((ones, (rows, columns)), shape=(len(items), max(len(numbers), 1)))


class _Shop(NamedTuple):
    known: Histories
    content: csr_array[Any] | None
    split: _Split


def _shop(sequences: Path, attributes: Path | None, users: int | None, seed: int) -> _Shop:
    known = read_histories(sequences)
    if users is not None:
        known = small_shop(known, users, seed)
    known = renumbered(known, seed)
    split = _split(known)
    if not len(split.cases):
        raise InvalidInput(f"No line of {sequences} has two items.", hint="Write `user item item …`, oldest first.")
    return _Shop(known, None if attributes is None else read_attributes(attributes, known.items), split)


def renumbered(known: Histories, seed: int) -> Histories:
    """Return the same histories with the items numbered at random.

    Files are read, and often written, so that items have the order of their first use; a tie that goes to the smaller
    number would then know what its user took next.
    """
    order = np.random.default_rng(seed).permutation(known.size)
    number = np.empty(known.size, np.int32)
    number[order] = np.arange(known.size, dtype=np.int32)
    renumbered = known.sequences._replace(items=number[known.sequences.items])
    return Histories(known.users, [known.items[row] for row in order], renumbered)


def _split(known: Histories) -> _Split:
    sequences = known.sequences
    cases = np.flatnonzero(sequences.lengths >= 2)
    chosen = np.ones(len(sequences.items), np.bool_)
    chosen[sequences.starts[1:][cases] - 1] = False
    train = sequences.keep(chosen)
    return _Split(train, cases.astype(np.int32), train.take(cases), sequences.last()[cases])


def _answers(model: NextItemModel, split: _Split, k: int, clock: Clock, tell: Tell) -> Ints:
    ranked = np.full((len(split.cases), k), -1, np.int32)
    for case in range(len(ranked)):
        history = split.histories.of(case)
        with clock.query():
            rows, _ = model.recommend(history, k, history)
        ranked[case, : len(rows)] = rows
        if case % _TOLD_EVERY == 0:
            tell(0.5 + 0.4 * case / len(ranked), "answering")
    return ranked


def _report(model: NextItemModel, split: _Split, ranked: Ints, k: int, seed: int) -> dict[str, Any]:
    values = _by_case(ranked, split.targets, k)
    _, alone = batch_rankings(model, split.histories, split.histories, k)
    parts = {part: _by_case(answers, split.targets, k) for part, answers in alone.items()}
    best = max(parts, key=lambda part: float(parts[part][f"ndcg@{k}"].mean()))
    baselines = {
        "popularity": parts["popularity"],
        "item_knn": _by_case(_item_knn(split, model.size, k), split.targets, k),
    }
    return {
        "users": len(split.cases),
        "items": model.size,
        **metrics.summary(values),
        "intervals": metrics.intervals(values, seed=seed),
        "coverage": round(metrics.coverage(ranked, model.size), 6),
        "baselines": {name: metrics.summary(measured) for name, measured in baselines.items()},
        "parts": {
            name: {**metrics.summary(measured), "intervals": metrics.intervals(measured, seed=seed)}
            for name, measured in parts.items()
        },
        "difference_to_best_part": {
            "part": best,
            **{
                name: [round(bound, 6) for bound in metrics.bootstrap_difference(column, parts[best][name], seed=seed)]
                for name, column in values.items()
            },
        },
    }


def _item_knn(split: _Split, size: int, k: int) -> Ints:
    """Return the answers of plain item-kNN: the sum of cosines to the items of a history."""
    from scipy.sparse import csr_array, diags_array

    has = split.train.matrix(size)
    owners = np.bincount(has.indices, minlength=size)
    unit = csr_array(has @ diags_array((1.0 / np.sqrt(np.maximum(owners, 1))).astype(np.float32)))
    cosines = csr_array(unit.T @ unit)
    cosines.setdiag(0.0)
    ranked: list[Ints] = []
    for start in range(0, split.histories.owners, _BLOCK):
        histories = split.histories.take(np.arange(start, min(start + _BLOCK, split.histories.owners)))
        scores = (histories.matrix(size) @ cosines).toarray()
        scores[histories.owner_of_entry(), histories.items] = -np.inf
        ranked.append(metrics.top_rows(scores, k))
    return np.concatenate(ranked)


def _by_case(ranked: Ints, targets: Ints, k: int) -> dict[str, Doubles]:
    relevant = from_lists([[target] for target in targets])
    out: dict[str, Doubles] = {}
    for cut in dict.fromkeys((k, min(10, k))):
        hits = metrics.hit_at(ranked, relevant, cut)
        out |= {f"hr@{cut}": hits, f"hit@{cut}": hits, f"ndcg@{cut}": metrics.ndcg_at(ranked, relevant, cut)}
    return out


def _predictions(known: Histories, split: _Split, ranked: Ints) -> Iterator[dict[str, Any]]:
    for owner, rows in zip(split.cases, ranked, strict=True):
        yield {"user_id": known.users[owner], "items": [known.items[row] for row in rows if row >= 0]}
