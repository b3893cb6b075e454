"""The intent classifier: what it learns, what stays the same under respelling, and files that do not fit."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import msgspec
import numpy as np
import pytest

from appliance.agents.intent.calibration import Calibration, calibrate
from appliance.agents.intent.classifier import Config, IntentClassifier, canonical, stratified
from appliance.agents.intent.concepts import lexicon
from appliance.agents.intent.examples import OwnExamples
from appliance.agents.intent.features import FAMILIES, features, plain_words, stem, stems
from appliance.agents.intent.linear import Vectoriser, Weights, ridge
from appliance.agents.types import INTENTS, TRANSACTIONAL, Mention, Token, Utterance
from appliance.errors import ArtifactInvalid, InvalidInput

FEE = [
    "phí ship bao nhiêu",
    "ship hết nhiêu tiền",
    "tiền vận chuyển về hà nội",
    "phi giao hang la bao nhieu",
    "cước ship",
]
STATUS = [
    "đơn của mình tới đâu rồi",
    "don hang den dau roi shop",
    "kiểm tra đơn hàng",
    "khi nào đơn tới",
    "check đơn giúp",
]
THANKS = ["cảm ơn shop", "cam on nhieu nha", "thank you", "cảm ơn bạn", "tks shop nhé"]
FOREIGN = ["thời tiết hôm nay", "ai là tổng thống mỹ", "giải bài toán này", "tỷ số trận đấu", "viết bài văn tả mẹ"]
TEXTS = [*FEE, *STATUS, *THANKS, *FOREIGN]
LABELS = [name for name in ("shipping_fee", "order_status", "thanks", "out_of_scope") for _ in range(5)]
CONFIG = Config(outside=("out_of_scope",), strict=("order_status",))


@pytest.fixture(scope="module")
def model() -> IntentClassifier:
    return IntentClassifier.fit(TEXTS, LABELS, config=CONFIG)


def _utterance(words: str, mentions: tuple[Mention, ...] = (), polite: tuple[int, ...] = ()) -> Utterance:
    tokens: list[Token] = []
    for word in words.split():
        start = tokens[-1].end + 1 if tokens else 0
        tokens.append(Token(word, word, features_folded(word), start, start + len(word)))
    return Utterance(text=words, tokens=tuple(tokens), locale="vi", mentions=mentions, polite=polite)


def features_folded(word: str) -> str:
    return plain_words(word)[0]


def test_it_understands_words_that_it_learned_in_other_sentences(model: IntentClassifier) -> None:
    assert model.labels == ("order_status", "out_of_scope", "shipping_fee", "thanks")
    for text, intent in (("ship nhiêu tiền vậy", "shipping_fee"), ("đơn hàng tới đâu", "order_status")):
        decision = model.decide(text)
        assert decision.intent == decision.scores[0][0] == intent
        assert sum(share for _, share in decision.scores) == pytest.approx(1.0, abs=1e-5)
        assert model.scores(text).max() == pytest.approx(decision.scores[0][1])
    assert not model.decide("tổng thống mỹ là ai").in_scope


def test_case_and_composition_change_nothing_and_marks_hardly(model: IntentClassifier) -> None:
    plain = model.decide("phí ship về Huế")
    for same in ("PHÍ SHIP VỀ HUẾ", unicodedata.normalize("NFD", "phí ship về Huế"), "phí,  ship về... Huế!"):
        assert model.decide(same) == plain
    unmarked = model.decide("phi ship ve hue")
    assert (unmarked.intent, unmarked.in_scope) == (plain.intent, plain.in_scope)
    for folded, marked in zip(features("phi ship ve hue")[:3], features("phí ship về Huế")[:3], strict=True):
        assert folded.keys.tolist() == marked.keys.tolist()


def test_words_are_brought_to_one_form() -> None:
    assert plain_words("I haven't paid 250.000k sooooo") == ["i", "havent", "paid", "000", "000k", "soo"]
    assert [stem(word) for word in ("returns", "returning", "returned", "policies")] == ["return"] * 3 + ["policy"]
    assert stem("khong") == "khong"
    assert stem("truong") == "truong"


def test_an_utterance_gives_its_repaired_words_without_politeness_and_with_its_slots() -> None:
    under = Mention("price_max", 400000, 3, 4)
    cheap = features(_utterance("shop áo dưới 400k", (under,), (0,)))
    other = features(_utterance("áo dưới 20tr", (Mention("price_max", 20000000, 2, 3),)))
    common = set(cheap[0].keys.tolist()) & set(other[0].keys.tolist())
    bare = set(features("áo dưới")[0].keys.tolist())
    assert len(common - bare) >= 4  # duoi <price_max>, <price_max> $, ao duoi <price_max>, ...
    unsure = features(_utterance("áo 39", (Mention("size", "39", 1, 2, certain=False),)))
    assert unsure[0].keys.tolist() == features("áo 39")[0].keys.tolist()


def test_wordings_of_one_meaning_share_features_in_both_languages() -> None:
    def meaning(text: str) -> set[int]:
        return set(features(text)[FAMILIES.index("k")].keys.tolist())

    for one, other in (("hoàn tiền", "money back"), ("hoan tien", "reimbursement"), ("HỦY ĐƠN", "cancelled")):
        assert meaning(one) == meaning(other)
        assert meaning(one)
    assert meaning("hủy rồi hoàn tiền") != meaning("hoàn tiền rồi hủy")
    assert meaning("xyzzy") == meaning("blah") == meaning("")


def test_the_longest_phrase_at_a_place_counts_and_each_phrase_has_words() -> None:
    words = lexicon(stems)
    assert words.found(stems("mã giảm giá")) == [("discount",)]
    assert words.found(stems("phí giảm")) == [("fee",), ("discount",)]
    assert words.found([]) == []
    assert all(phrase and concepts for phrase, concepts in words.concepts.items())


def test_labels_outside_score_lower_by_the_shift(model: IntentClassifier) -> None:
    shifted = IntentClassifier.fit(TEXTS, LABELS, config=msgspec.structs.replace(CONFIG, outside_shift=0.25))
    expected = np.where(np.array(model.labels) == "out_of_scope", 0.25, 0.0)
    found = model.raw_scores("phí ship")[0] - shifted.raw_scores("phí ship")[0]
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    "text", ["", "   ", "?!…", "\x00\x07", "a" * 100_000, "'; DROP TABLE x;--", "😀", "１２３", "\ud800"]
)
def test_any_text_gets_an_answer(model: IntentClassifier, text: str) -> None:
    decision = model.decide(text)
    assert 0.0 <= decision.confidence <= 1.0
    assert np.isfinite(model.scores(text)).all()


def test_it_is_the_same_after_saving(model: IntentClassifier, tmp_path: Path) -> None:
    model.save(tmp_path / "model.npz")
    again = IntentClassifier.load(tmp_path / "model.npz")
    assert again.digest == model.digest
    assert [again.decide(text) for text in TEXTS] == [model.decide(text) for text in TEXTS]


def test_training_is_reproducible(model: IntentClassifier) -> None:
    assert IntentClassifier.fit(TEXTS, LABELS, config=CONFIG).digest == model.digest


def test_a_damaged_file_is_refused(model: IntentClassifier, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    model.save(path)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    for content in (b"", b"PK", whole[: len(whole) // 2], bytes(damaged), b"[1, 2]"):
        path.write_bytes(content)
        with pytest.raises(ArtifactInvalid, match=r"model\.npz"):
            IntentClassifier.load(path)
    with pytest.raises(ArtifactInvalid):
        IntentClassifier.load(tmp_path / "absent.npz")


def test_a_file_with_altered_or_missing_arrays_is_refused(model: IntentClassifier, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    model.save(path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    for change in ({"bias": arrays["bias"] + 1}, {"codes": arrays["codes"][:, :2]}, {"keys": arrays["keys"][::-1]}):
        np.savez(path, **{**arrays, **change})
        with pytest.raises(ArtifactInvalid, match="check sum"):
            IntentClassifier.load(path)
    np.savez(path, **{name: value for name, value in arrays.items() if name != "digest"})
    with pytest.raises(ArtifactInvalid):
        IntentClassifier.load(path)


def test_a_model_with_a_prior_belongs_to_that_prior(model: IntentClassifier, tmp_path: Path) -> None:
    texts, labels = ["mấy ngày tới", "bao lâu giao", "đổi trả sao", "trả hàng được không"], ["time"] * 2 + ["back"] * 2
    built = IntentClassifier.fit(texts, labels, prior=model)
    built.save(tmp_path / "own.npz")
    again = IntentClassifier.load(tmp_path / "own.npz", prior=model)
    assert again.decide("giao mấy ngày") == built.decide("giao mấy ngày")
    with pytest.raises(ArtifactInvalid, match="another version"):
        IntentClassifier.load(tmp_path / "own.npz")


def test_training_needs_two_labels() -> None:
    with pytest.raises(InvalidInput):
        IntentClassifier.fit(["a", "b"], ["x", "x"])
    with pytest.raises(InvalidInput):
        IntentClassifier.fit(["a"], ["x", "y"])


def test_ridge_solves_its_equations() -> None:
    rng = np.random.default_rng(3)
    rows = [features(text) for text in TEXTS]
    vectoriser = Vectoriser.fit(rows)
    matrix = vectoriser.matrix(rows)
    targets, dense = rng.random((len(TEXTS), 3)).astype(np.float32), rng.random((len(TEXTS), 2)).astype(np.float32)
    weights, bias = ridge(matrix, targets, 0.5, dense)
    whole = np.hstack([matrix.toarray(), dense]).astype(np.float64)
    exact = np.linalg.solve(whole.T @ whole + 0.5 * np.eye(whole.shape[1]), whole.T @ (targets - targets.mean(0)))
    assert np.abs(weights - exact).max() < 1e-3
    assert bias == pytest.approx(targets.mean(0))
    packed = Weights.pack(weights[: len(vectoriser.keys)], bias)
    assert packed.scores(vectoriser.row(rows[0])) == pytest.approx(
        matrix[:1].toarray()[0] @ weights[: len(vectoriser.keys)] + bias, abs=0.02
    )


def test_confidence_rises_with_the_probability_and_matches_how_often_it_is_right() -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 4, 4000)
    scores = rng.normal(0.0, 0.3, (4000, 4)).astype(np.float32)
    scores[np.arange(4000), truth] += 0.5
    known = rng.random(4000).astype(np.float32)
    found = calibrate(scores, truth, known)
    levels = [found.confidence(top, 0.5) for top in np.linspace(0.26, 0.999, 50)]
    assert levels == sorted(levels)
    top = found.probabilities(scores).max(1)
    sure = np.array([found.confidence(float(p), float(k)) for p, k in zip(top, known, strict=True)])
    right = scores.argmax(1) == truth
    for low, high in ((0.3, 0.6), (0.6, 0.8), (0.8, 1.0)):
        band = (sure >= low) & (sure < high)
        assert right[band].mean() == pytest.approx(sure[band].mean(), abs=0.05)
    assert Calibration(2.0).probabilities(scores).sum(1) == pytest.approx(1.0, abs=1e-5)


def test_parts_spread_labels_evenly_and_keep_foreign_topics_together() -> None:
    truth = np.repeat(np.arange(3), 20)
    parts = stratified(truth, 5, blocks=frozenset({2}))
    for label in range(3):
        assert np.bincount(parts[truth == label], minlength=5).tolist() == [4] * 5
    assert parts[truth == 2].tolist() == sorted(parts[truth == 2])


def test_the_owners_examples_count_at_once(model: IntentClassifier) -> None:
    asked = "chừng nào bên mình mở lại mẫu cũ"
    before = model.decide(asked)
    own = OwnExamples([("thanks", asked), ("faq-7", "có bán sỉ không shop"), ("thanks", "???")], model.vectoriser)
    assert own.targets == ("thanks", "faq-7")
    after = model.decide(asked, own)
    assert (after.intent, after.example, after.in_scope) == ("thanks", "thanks", True)
    assert before.intent != "thanks"
    assert after.confidence > 0.9
    near = model.decide("Chung nao ben minh mo lai mau cu vay", own)
    assert near.intent == "thanks"
    assert model.decide(FEE[0], own) == model.decide(FEE[0])
    faq = model.decide("có bán sỉ không", own)
    assert faq.example == "faq-7"
    assert faq.intent in model.labels


def test_examples_may_be_none(model: IntentClassifier) -> None:
    empty = OwnExamples([], model.vectoriser)
    assert len(empty) == 0
    assert empty.nearest(features("phí ship")) is None
    assert OwnExamples([("a", "phí ship")], model.vectoriser).nearest(features("zzz")) is None
    match = OwnExamples([("a", "phí ship"), ("b", "phí ship")], model.vectoriser).nearest(features("PHI ship"))
    assert match is not None
    assert match.target == "a"
    assert match.similarity == pytest.approx(1.0, abs=1e-5)


def test_the_shipped_model_knows_the_canonical_intents() -> None:
    shipped = canonical()
    assert set(shipped.labels) == set(INTENTS)
    for text, intent in (
        ("phí ship bao nhiêu vậy shop", "shipping_fee"),
        ("don cua minh toi dau roi", "order_status"),
        ("I want to talk to a human", "human_handoff"),
        ("do you accept momo", "payment_methods"),
        ("cảm ơn shop nha", "thanks"),
    ):
        assert shipped.decide(text).intent == intent
    strict = {shipped.thresholds[name] for name in TRANSACTIONAL}
    assert min(strict) >= shipped.thresholds["product_search"]
