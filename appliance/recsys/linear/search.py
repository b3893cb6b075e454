"""Tries linear models on a validation split, family by family, by coordinate search from published settings.

Graph filters include the published settings of GF-CF and BSPM (see ``graph_filter``). Lifts cost no second fit, because
they only rescale the scores of a model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from appliance.recsys.base import Doubles
from appliance.recsys.linear import ease
from appliance.recsys.linear.graph_filter import Filter
from appliance.recsys.linear.holdout import HoldOut, blocks, recall, top_unseen
from appliance.recsys.linear.normalise import power
from appliance.recsys.linear.operators import LinearModel, Mixture, lifted
from appliance.recsys.linear.recipes import Ease, Graph, Knn, Mix, Recipe, Ridge, Single, Workshop

Tell = Callable[[float, str], None]
JUDGED_AT = 20
MOST_EASE_ITEMS = 12_000
"""Above it the n³ of dense EASE takes more minutes than it is worth."""
MOST_RIDGE_ITEMS = 50_000
RANKS = (64, 128, 256, 448)
WIDTHS = (100, 400)
_LIFTS = (0.0, 0.1, 0.2, 0.3)
_PENALTIES = (30.0, 100.0, 300.0, 1000.0)
_SHARES = (0.25, 0.5)
_SHARPENED = Filter(ideal=0.1, solver="rk4", duration=1.5, tail="fitted")
_PUBLISHED = (
    Filter(ideal=0.3),  # GF-CF
    Filter(ideal=0.2, solver="rk4", duration=2.5, tail="fitted"),  # BSPM on Gowalla
    Filter(ideal=0.2, solver="euler", duration=1.2, mean_of_points=True, tail="fitted"),  # BSPM on Yelp2018
    Filter(solver="rk4", steps=2, duration=2.2, tail="fitted"),  # BSPM on Amazon-Book
)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate on the validation split."""

    recipe: Recipe
    recall: float
    """Mean Recall@20."""
    seconds: float
    """To fit and judge it; for several lifts of one model, those of all."""


class Search:
    """The candidates tried on one split, and what each was worth for each judged user."""

    def __init__(self, held: HoldOut, *, budget_mb: float, budget_s: float, seed: int, tell: Tell) -> None:
        self._held = held
        self._budget_mb = budget_mb
        self._budget_s = budget_s
        self._tell = tell
        self._began = time.perf_counter()
        self._ranks = affordable_ranks(held.train.shape, budget_mb)
        self._workshop = Workshop(held.train, rank=max(self._ranks, default=0), width=max(WIDTHS), seed=seed)
        self._plain: dict[type[Single], tuple[Single, LinearModel]] = {}
        self.values: dict[Recipe, Doubles] = {}
        self.trials: list[Trial] = []
        self.left_out: list[str] = []

    def run(self) -> tuple[Recipe, Recipe | None]:
        """Return the best recipe and the best of another family.

        A mixture has to beat its best part by more than one standard error of the difference.
        """
        families = (self._graph, self._knn, self._ease, self._ridge, self._mixture)
        for place, family in enumerate(families):
            self._tell(0.05 + 0.5 * place / len(families), f"choosing:{family.__name__[1:]}")
            if self._spent():
                self.left_out.append(f"{family.__name__[1:]}: the time was spent")
                continue
            family()
        singles = [recipe for recipe in self.values if not isinstance(recipe, Mix)]
        best: Recipe = max(singles, key=self.mean)
        mixtures = [recipe for recipe in self.values if isinstance(recipe, Mix)]
        if mixtures and len(self._held.users):
            mixture = max(mixtures, key=self.mean)
            gain = self.values[mixture] - self.values[best]
            if gain.mean() > gain.std() / np.sqrt(len(gain)):
                best = mixture
        others = [recipe for recipe in self.values if type(recipe) is not type(best)]
        return best, max(others, key=self.mean, default=None)

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.perf_counter() - self._began

    def mean(self, recipe: Recipe) -> float:
        """Return the mean recall of a recipe that was tried."""
        values = self.values[recipe]
        return float(values.mean()) if len(values) else 0.0

    def model(self, recipe: Recipe) -> LinearModel:
        """Return the model of a recipe on the training part, made anew only where it was let go."""
        if isinstance(recipe, Mix):
            pairs = zip(recipe.weights, recipe.parts, strict=True)
            return Mixture([(weight, self.model(part)) for weight, part in pairs])
        kept = self._plain.get(type(recipe))
        if kept is None or msgspec.structs.replace(recipe, lift=0.0) != kept[0]:
            return self._workshop.make(recipe)
        return lifted(kept[1], self._workshop.degrees, recipe.lift)

    def _spent(self) -> bool:
        return bool(self.values) and self.elapsed() > self._budget_s

    def _try(self, plain: Single, lifts: Sequence[float]) -> None:
        """Judge a recipe at several lifts with one fit, unless the time is spent."""
        recipes = {lift: msgspec.structs.replace(plain, lift=lift) for lift in lifts}
        fresh = [lift for lift, recipe in recipes.items() if recipe not in self.values]
        if not fresh or self._spent():
            return
        began = time.perf_counter()
        before = self._best(type(plain)) if type(plain) in self._plain else None
        model = self._workshop.plain(plain)
        judged = self._judge(model, fresh)
        seconds = round(time.perf_counter() - began, 3)
        for lift in fresh:
            self._note(recipes[lift], judged[lift], seconds)
        if before is None or self._best(type(plain)) != before:
            self._plain[type(plain)] = (plain, model)

    def _judge(self, model: LinearModel, lifts: Sequence[float]) -> dict[float, Doubles]:
        """Return the recall of each judged user at each lift."""
        histories, hidden = self._held.histories, self._held.hidden
        factors = {lift: power(self._workshop.degrees, lift) for lift in lifts}
        found: dict[float, list[Doubles]] = {lift: [np.empty(0)] for lift in lifts}
        for part in blocks(histories.shape[0], model.size):
            scores = model.scores(histories[part])
            for lift in lifts:
                ranked = top_unseen(scores * factors[lift] if lift else scores.copy(), histories[part], JUDGED_AT)
                found[lift].append(recall(ranked, hidden[part]))
        return {lift: np.concatenate(parts) for lift, parts in found.items()}

    def _note(self, recipe: Recipe, values: Doubles, seconds: float) -> None:
        self.values[recipe] = values
        self.trials.append(Trial(recipe=recipe, recall=round(self.mean(recipe), 6), seconds=seconds))

    def _best(self, family: type[Single]) -> Single:
        return max((recipe for recipe in self.values if isinstance(recipe, family)), key=self.mean)

    def _best_filter(self) -> tuple[Filter, float]:
        best = self._best(Graph)
        assert isinstance(best, Graph)
        return best.filter, best.lift

    def _graph(self) -> None:
        self._try(Graph(filter=Filter()), _LIFTS)
        if not self._ranks:
            self.left_out.append("graph filters with singular vectors: they do not fit the memory")
            return
        for rank in self._ranks:
            self._try(Graph(filter=msgspec.structs.replace(_SHARPENED, rank=rank)), _LIFTS)
        rank = self._best_filter()[0].rank or self._ranks[-1]
        for settings in _PUBLISHED:
            self._try(Graph(filter=msgspec.structs.replace(settings, rank=rank)), _LIFTS)
        for ideal in (0.03, 0.05, 0.2):
            self._vary(ideal=ideal)
        for duration in (1.0, 2.0):
            self._vary(duration=duration)
        settings, lift = self._best_filter()
        self._try(Graph(filter=settings), [round(lift + change, 2) for change in (-0.05, 0.05, 0.1)])

    def _vary(self, **changes: float) -> None:
        """Try the best filter so far with one setting changed."""
        settings, lift = self._best_filter()
        lifts = sorted({round(max(lift + change, 0.0), 2) for change in (-0.1, 0.0, 0.1)})
        self._try(Graph(filter=msgspec.structs.replace(settings, **changes)), lifts)

    def _knn(self) -> None:
        for source in (0.5, 0.25):
            for neighbours in WIDTHS:
                self._try(Knn(neighbours=neighbours, source=source), (*_LIFTS, 0.4))

    def _ease(self) -> None:
        items = self._held.train.shape[1]
        if ease.memory_mb(items) > self._budget_mb:
            self.left_out.append(f"ease: {ease.memory_mb(items):.0f} MB of {self._budget_mb:.0f} MB")
        elif items > MOST_EASE_ITEMS:
            self.left_out.append(f"ease: {items} items are too many for its time")
        else:
            for user in (0.0, 0.5):
                for penalty in _PENALTIES:
                    self._try(Ease(penalty=penalty, user=user), (0.0, 0.1, 0.2))

    def _ridge(self) -> None:
        items = self._held.train.shape[1]
        if items > MOST_RIDGE_ITEMS:
            self.left_out.append(f"neighbourhood_ridge: {items} items are too many for its time")
            return
        for penalty in (0.3, 1.0):
            self._try(Ridge(penalty=penalty), (0.2, 0.4, 0.6))

    def _mixture(self) -> None:
        singles = sorted((self._best(family) for family in self._plain), key=self.mean, reverse=True)
        if len(singles) < 2:
            return
        first, *others = singles
        model = self.model(first)
        for second in others:
            other = self.model(second)
            scale = _spread(model, self._held) / max(_spread(other, self._held), 1e-12)
            for share in _SHARES:
                if self._spent():
                    return
                began = time.perf_counter()
                weights = (1.0 - share, share * scale)
                judged = self._judge(Mixture([(weights[0], model), (weights[1], other)]), [0.0])
                self._note(Mix(parts=(first, second), weights=weights), judged[0.0], time.perf_counter() - began)


def affordable_ranks(shape: tuple[int, ...], budget_mb: float) -> list[int]:
    """Return the ranks worth trying: under half of the matrix's own, and within a half of the memory."""
    users, items = shape
    bytes_each = 4.0 * (5 * items + 2 * users)
    most = min(min(shape) // 2, int(budget_mb * 2**20 / 2 / bytes_each))
    return [rank for rank in RANKS if rank <= most] or ([most] if most > 1 else [])


def _spread(model: LinearModel, held: HoldOut) -> float:
    """Return the standard deviation of a model's scores over some histories."""
    scores = model.scores(held.histories[:64])
    return float(scores.std()) if scores.size else 0.0
