"""The intent classifier: hashed n-grams, a linear model, calibrated confidence, and when not to trust it.

The decision rule. The winner is the label of the highest probability, after the shop's own examples were blended in.
Its confidence is the calibrated chance of being right. A message is *in scope* when the winner is not one of the
labels for "no business of ours" and the chance that it is a request at all reaches the threshold of that label, which
is higher for the labels that act on an order: those are never guessed. The thresholds are learned in training from
texts that were held out, foreign ones by whole topics: the lowest at which only the permitted share of foreign texts
gets through. Without foreign texts the chance is the confidence, and the threshold lets most of the rightly understood
texts through.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from appliance.agents.intent.calibration import Calibration, Scope, calibrate, calibrate_scope
from appliance.agents.intent.examples import Match, OwnExamples
from appliance.agents.intent.features import Features, Floats, features
from appliance.agents.intent.linear import Row, Vectoriser, Weights, ridge
from appliance.agents.types import Utterance
from appliance.errors import ArtifactInvalid, InvalidInput

Source = str | Utterance | Features
Labels = npt.NDArray[np.intp]
_FORMAT = 1
_WEIGHTS = "intents.npz"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """How a classifier is trained."""

    penalty: float = 0.1
    """λ of the ridge regression."""
    least: int = 1
    """Texts that must hold an n-gram for it to count."""
    prior_weight: float = 1.0
    """How much the scores of another classifier count beside the n-grams, if one is given."""
    outside: tuple[str, ...] = ()
    """Labels that mean "no business of the shop"."""
    outside_shift: float = 0.0
    """How much lower these labels score than learned: among training texts they are commoner than among messages."""
    strict: tuple[str, ...] = ()
    """Labels that are never guessed."""
    foreign_share: float = 0.14
    """Share of outside texts that may pass for a request."""
    foreign_strict_share: float = 0.015
    """Share of outside texts that may pass for a label of ``strict``."""
    kept_share: float = 0.9
    """Share of the rightly understood texts that stay in scope where no outside texts are known."""
    folds: int = 5
    """Parts of the cross-validation for confidence and thresholds."""


class Decision(msgspec.Struct, frozen=True):
    """What a classifier makes of one message."""

    intent: str
    """The likeliest label, in scope or not."""
    confidence: float
    """Calibrated probability that it is right."""
    scores: tuple[tuple[str, float], ...]
    """All labels with their probabilities, the likeliest first."""
    in_scope: bool
    example: str = ""
    """Target of the shop's own example that decided, as an FAQ id; ``''`` when none did."""


class _Facts(msgspec.Struct, frozen=True):
    """What stands beside the arrays of a file."""

    format: int
    labels: tuple[str, ...]
    unknown: float
    calibration: Calibration
    thresholds: tuple[float, ...]
    outside: tuple[str, ...]
    prior: str
    prior_scale: float
    scope: Scope | None


class HeldOut(NamedTuple):
    """Scores of the training texts by models that did not see them."""

    scores: Floats
    known: Floats


class IntentClassifier:
    """A trained classifier; immutable."""

    def __init__(self, facts: _Facts, vectoriser: Vectoriser, weights: Weights, prior: IntentClassifier | None) -> None:
        self.labels = facts.labels
        self.vectoriser = vectoriser
        self.calibration = facts.calibration
        self.thresholds = dict(zip(facts.labels, facts.thresholds, strict=True))
        self._facts = facts
        self._weights = weights
        self._prior = prior
        self._outside = [place for place, name in enumerate(facts.labels) if name in facts.outside]
        self.digest = _digest(self._arrays())

    @classmethod
    def fit(
        cls,
        texts: Sequence[Source],
        labels: Sequence[str],
        *,
        config: Config | None = None,
        prior: IntentClassifier | None = None,
        held_out: HeldOut | None = None,
    ) -> IntentClassifier:
        """Train on labelled texts; the scores of ``prior`` become further features.

        ``held_out`` is what ``cross_validated`` gave for the same texts, if it was asked before.
        Raises ``InvalidInput`` for fewer than two labels.
        """
        chosen = config or Config()
        names = tuple(sorted(set(labels)))
        if len(names) < 2 or len(texts) != len(labels):
            raise InvalidInput("Training needs a label for every text and at least two labels.")
        truth = np.searchsorted(np.array(names), np.array(labels)).astype(np.intp)
        rows = [_prepared(text) for text in texts]
        dense, scale = (None, 0.0) if prior is None else _prior_columns(rows, prior, chosen.prior_weight)
        foreign = [place for place, name in enumerate(names) if name in chosen.outside]
        held_out = held_out or cross_validated(rows, truth, chosen, dense, foreign)
        calibration = calibrate(held_out.scores, truth, held_out.known)
        scope, thresholds = _scoped(names, truth, held_out, calibration, chosen)
        vectoriser, raw, bias = _trained(rows, truth, len(names), chosen, dense)
        bias[foreign] -= np.float32(chosen.outside_shift)
        facts = _Facts(
            format=_FORMAT,
            labels=names,
            unknown=vectoriser.unknown,
            calibration=calibration,
            thresholds=tuple(thresholds),
            outside=chosen.outside,
            prior="" if prior is None else prior.digest,
            prior_scale=scale,
            scope=scope,
        )
        return cls(facts, vectoriser, Weights.pack(raw, bias), prior)

    def raw_scores(self, source: Source) -> tuple[Floats, float]:
        """Return the linear scores float32[labels] and the known share of the message."""
        message = _prepared(source)
        row = self.vectoriser.row(message)
        if self._prior is not None:
            scores = self._prior.raw_scores(message)[0] * np.float32(self._facts.prior_scale)
            columns = len(self.vectoriser.keys) + np.arange(len(scores))
            extended = Row(np.append(row.columns, columns), np.append(row.values, scores), row.known)
            return self._weights.scores(extended), row.known
        return self._weights.scores(row), row.known

    def scores(self, source: Source) -> Floats:
        """Return the probability of every label, float32[labels], in the order of ``labels``."""
        return self.calibration.probabilities(self.raw_scores(source)[0])

    def decide(self, source: Source, examples: OwnExamples | None = None) -> Decision:
        """Decide for one message; see the head of this module for the rule."""
        message = _prepared(source)
        raw, known = self.raw_scores(message)
        found = self.calibration.probabilities(raw)
        confidence = self.calibration.confidence(float(found.max()), known)
        request = self._request(raw, known) if self._facts.scope else confidence
        match = None if examples is None else examples.nearest(message)
        example = ""
        if match is not None and match.weight > confidence * (1.0 - match.weight):
            example = match.target
        if match is not None and match.target in self.thresholds:
            found, confidence = self._blended(found, confidence, match)
            request = max(request, match.weight)
        order = np.argsort(-found, kind="stable")
        intent = self.labels[order[0]]
        return Decision(
            intent=intent,
            confidence=confidence,
            scores=tuple((self.labels[place], float(found[place])) for place in order),
            in_scope=intent not in self._facts.outside and request >= self.thresholds[intent],
            example=example,
        )

    def _request(self, raw: Floats, known: float) -> float:
        assert self._facts.scope is not None
        return self._facts.scope.probability(float(raw.max()), float(raw[self._outside].max()), known)

    def _blended(self, found: Floats, confidence: float, match: Match) -> tuple[Floats, float]:
        """Move the share of an example's weight to its intent, in the probabilities and in the confidence."""
        weight = match.weight
        place = self.labels.index(match.target)
        mixed = found * np.float32(1.0 - weight)
        mixed[place] += np.float32(weight)
        rest = confidence * (1.0 - weight)
        if int(mixed.argmax()) != int(found.argmax()):
            return mixed, weight
        return mixed, rest + weight if int(found.argmax()) == place else rest

    def save(self, path: Path) -> None:
        """Write the classifier to one file, without a prior's own weights."""
        arrays = self._arrays()
        with path.open("wb") as file:
            np.savez_compressed(file, digest=np.frombuffer(_digest(arrays).encode(), np.uint8), **arrays)

    @classmethod
    def load(cls, path: Path, *, prior: IntentClassifier | None = None) -> IntentClassifier:
        """Read a file that ``save`` wrote. Raises ``ArtifactInvalid`` for one that is damaged or does not fit."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            digest = bytes(arrays.pop("digest")).decode("ascii", "replace")
            if digest != _digest(arrays):
                raise ValueError("its check sum differs")
            facts = msgspec.json.decode(bytes(arrays["facts"]), type=_Facts)
            return cls._assembled(facts, arrays, prior)
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
            raise ArtifactInvalid(
                f"{path.name} is no usable intent model: {error}.", hint="Install the package again or train anew."
            ) from error

    @classmethod
    def _assembled(cls, facts: _Facts, arrays: dict[str, Any], prior: IntentClassifier | None) -> IntentClassifier:
        labels = len(facts.labels)
        keys, idf, codes = arrays["keys"], arrays["idf"], arrays["codes"]
        width = len(keys) + (len(prior.labels) if facts.prior and prior is not None else 0)
        if facts.format != _FORMAT or facts.prior != ("" if prior is None else prior.digest):
            raise ValueError("it belongs to another version")
        shapes = (
            (keys, np.uint32, (len(keys),)),
            (idf, np.float16, (len(keys),)),
            (codes, np.int8, (width, labels)),
            (arrays["scale"], np.float32, (width,)),
            (arrays["bias"], np.float32, (labels,)),
        )
        if any(array.dtype != kind or array.shape != shape for array, kind, shape in shapes):
            raise ValueError("its arrays do not fit together")
        if len(facts.thresholds) != labels or (np.diff(keys.astype(np.int64)) <= 0).any():
            raise ValueError("its labels or keys are not in order")
        vectoriser = Vectoriser(keys, idf.astype(np.float32), facts.unknown)
        return cls(facts, vectoriser, Weights(codes, arrays["scale"], arrays["bias"]), prior)

    def _arrays(self) -> dict[str, Any]:
        return {
            "facts": np.frombuffer(msgspec.json.encode(self._facts), np.uint8),
            "keys": self.vectoriser.keys,
            "idf": self.vectoriser.idf.astype(np.float16),
            "codes": self._weights.codes,
            "scale": self._weights.scale,
            "bias": self._weights.bias,
        }


@lru_cache(maxsize=1)
def canonical() -> IntentClassifier:
    """Return the classifier of the 40 canonical intents that the package ships."""
    with resources.as_file(resources.files(__package__).joinpath(_WEIGHTS)) as path:
        return IntentClassifier.load(path)


def cross_validated(
    rows: Sequence[Features],
    truth: Labels,
    config: Config,
    dense: Floats | None = None,
    outside: Sequence[int] = (),
) -> HeldOut:
    """Return the scores of every text by a model trained without its part; see ``stratified`` for the parts.

    ``outside`` are the places of the labels that mean "no business of the shop".
    """
    count = int(truth.max()) + 1
    parts = stratified(truth, config.folds, blocks=frozenset(outside))
    scores, known = np.zeros((len(rows), count), np.float32), np.zeros(len(rows), np.float32)
    for part in range(config.folds):
        seen, unseen = np.flatnonzero(parts != part), np.flatnonzero(parts == part)
        if not len(unseen) or not len(seen):
            continue
        extra = None if dense is None else dense[seen]
        vectoriser, weights, bias = _trained([rows[row] for row in seen.tolist()], truth[seen], count, config, extra)
        for row in unseen.tolist():
            found = vectoriser.row(rows[row])
            scores[row] = found.values @ weights[found.columns] + bias
            known[row] = found.known
            if dense is not None:
                scores[row] += dense[row] @ weights[len(vectoriser.keys) :]
    scores[:, list(outside)] -= np.float32(config.outside_shift)
    return HeldOut(scores, known)


def stratified(truth: Labels, folds: int, *, blocks: frozenset[int] = frozenset(), seed: int = 0) -> Labels:
    """Return a part from 0 for every text, so that each label is spread evenly.

    Texts of the labels in ``blocks`` stay with their neighbours: foreign texts stand in the order of their topics, and
    what tells is how the model takes a topic that it has never seen.
    """
    rng = np.random.default_rng(seed)
    parts = np.zeros(len(truth), np.intp)
    for label in np.unique(truth):
        members = np.flatnonzero(truth == label)
        if int(label) in blocks:
            parts[members] = np.arange(len(members)) * folds // len(members)
        else:
            parts[rng.permutation(members)] = (np.arange(len(members)) + rng.integers(folds)) % folds
    return parts


def _prepared(source: Source) -> Features:
    return source if isinstance(source, tuple) else features(source)


def _trained(
    rows: Sequence[Features], truth: Labels, count: int, config: Config, dense: Floats | None
) -> tuple[Vectoriser, Floats, Floats]:
    vectoriser = Vectoriser.fit(rows, least=config.least)
    targets = np.zeros((len(rows), count), np.float32)
    targets[np.arange(len(rows)), truth] = 1.0
    weights, bias = ridge(vectoriser.matrix(rows), targets, config.penalty, dense)
    # Rounded idf is what the file holds; the same numbers serve before saving.
    return vectoriser._replace(idf=vectoriser.idf.astype(np.float16).astype(np.float32)), weights, bias


def _prior_columns(rows: Sequence[Features], prior: IntentClassifier, weight: float) -> tuple[Floats, float]:
    scores = np.stack([prior.raw_scores(row)[0] for row in rows])
    scale = float(weight**0.5 / max(float(np.linalg.norm(scores, axis=1).mean()), 1e-9))
    return scores * np.float32(scale), scale


def _scoped(
    names: Sequence[str], truth: Labels, held_out: HeldOut, calibration: Calibration, config: Config
) -> tuple[Scope | None, list[float]]:
    """Return how requests are told from foreign texts, and the threshold of each label."""
    label, winners = np.array(names), held_out.scores.argmax(1)
    foreign = np.isin(label[truth], config.outside)
    if not foreign.any():
        found = calibration.probabilities(held_out.scores).max(1)
        pairs = zip(found[winners == truth].tolist(), held_out.known[winners == truth].tolist(), strict=True)
        sure = [calibration.confidence(top, known) for top, known in pairs]
        return None, [float(np.quantile(sure, 1.0 - config.kept_share)) if sure else 0.5] * len(names)
    taken = ~np.isin(label[winners], config.outside)
    top = held_out.scores.max(1)
    outside = held_out.scores[:, np.isin(label, config.outside)].max(1)
    scope = calibrate_scope(top[taken], outside[taken], held_out.known[taken], ~foreign[taken])
    columns = zip(top.tolist(), outside.tolist(), held_out.known.tolist(), strict=True)
    request = np.array([scope.probability(*column) for column in columns])
    usual = _lowest(request[taken & foreign], config.foreign_share * foreign.sum())
    guessed = request[taken & foreign & np.isin(label[winners], config.strict)]
    strict = max(usual, _lowest(guessed, config.foreign_strict_share * foreign.sum()))
    return scope, [strict if name in config.strict else usual for name in names]


def _lowest(chances: npt.NDArray[np.float64], permitted: float) -> float:
    """Return the lowest threshold that at most ``permitted`` of these chances reach."""
    ranked = np.sort(chances)[::-1]
    place = int(permitted)
    return float(np.nextafter(ranked[place], 1.0)) if place < len(ranked) else 0.0


def _digest(arrays: dict[str, Any]) -> str:
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()
