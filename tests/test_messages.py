"""The two languages of the message catalogue stay in step."""

from __future__ import annotations

import string

import pytest

from appliance.messages import LOCALES, catalogue, pick_locale, translate


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_messages() -> None:
    assert set(catalogue("vi")) == set(catalogue("en"))


def test_every_message_takes_the_same_values_in_both_languages() -> None:
    for key, text in catalogue("vi").items():
        assert _placeholders(text) == _placeholders(catalogue("en")[key]), key


def test_no_message_is_left_untranslated() -> None:
    same = [key for key, text in catalogue("vi").items() if text == catalogue("en")[key] and len(text.split()) > 2]
    assert same == []


@pytest.mark.parametrize(
    ("tag", "expected"), [("vi-VN", "vi"), ("en-GB,vi;q=0.5", "en"), ("fr, en;q=0.3", "en"), ("fr", "vi"), (None, "vi")]
)
def test_locale_is_picked_from_a_tag_or_header(tag: str | None, expected: str) -> None:
    assert pick_locale(tag) == expected


def test_unknown_message_is_a_defect() -> None:
    with pytest.raises(KeyError):
        translate("no.such.message")
    assert LOCALES == ("vi", "en")
