"""The owner's own words: examples of intents, and what the shop's abbreviations stand for."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from litestar import Request, delete, get, post, put
from litestar.params import PathParameter

from appliance.domain import ID_PATTERN
from appliance.errors import NotFound
from appliance.runtime import Runtime
from appliance.server.body import read_body
from appliance.server.chat_schemas import (
    IntentExampleIn,
    IntentExampleList,
    IntentExampleOut,
    ShopWordIn,
    ShopWordList,
    ShopWordOut,
)
from appliance.server.exchange import runtime_of
from appliance.server.present import moment
from appliance.store.intent_examples import IntentExample
from appliance.store.shop_words import MAX_WORD

WORD_PATTERN = r"^[0-9A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ_&+-]+$(?!\n)"
"""Letters with their marks, digits and ``_ & + -``: what stands in a path without being escaped twice."""
ExampleId = Annotated[str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN)]
Word = Annotated[
    str,
    PathParameter(min_length=1, max_length=MAX_WORD, pattern=WORD_PATTERN, description="The word as shoppers type it."),
]


@get("/intent-examples", operation_id="listIntentExamples", summary="Examples of what shoppers mean")
async def list_intent_examples(request: Request[Any, Any, Any]) -> IntentExampleList:
    """List the owner's examples, the oldest first."""
    return IntentExampleList(items=[_out(example) for example in runtime_of(request).intent_examples.entries()])


@post("/intent-examples", status_code=201, operation_id="addIntentExample", summary="A new example")
async def add_intent_example(request: Request[Any, Any, Any]) -> IntentExampleOut:
    """Add a message and what it means; one that is there already is answered as it is."""
    data = await read_body(request, IntentExampleIn)
    return _out(await asyncio.to_thread(runtime_of(request).intent_examples.add, data.intent, data.text))


@delete("/intent-examples/{example_id:str}", status_code=204, operation_id="deleteIntentExample", summary="Delete it")
async def delete_intent_example(request: Request[Any, Any, Any], example_id: ExampleId) -> None:
    """Delete an example."""
    if not await asyncio.to_thread(runtime_of(request).intent_examples.delete, example_id):
        raise NotFound("There is no such example.")


@get("/shop-words", operation_id="listShopWords", summary="The shop's words")
async def list_shop_words(request: Request[Any, Any, Any]) -> ShopWordList:
    """List what the shop's abbreviations stand for."""
    words = runtime_of(request).shop_words.entries()
    return ShopWordList(items=[ShopWordOut(word=word, meaning=meaning) for word, meaning in words.items()])


@put("/shop-words/{word:str}", operation_id="putShopWord", summary="Say what a word stands for")
async def put_shop_word(request: Request[Any, Any, Any], word: Word) -> ShopWordOut:
    """Add a word or change its meaning, from the next message on; case does not matter."""
    data = await read_body(request, ShopWordIn)
    return await asyncio.to_thread(_put, runtime_of(request), word, data.meaning)


@delete("/shop-words/{word:str}", status_code=204, operation_id="deleteShopWord", summary="Delete a word")
async def delete_shop_word(request: Request[Any, Any, Any], word: Word) -> None:
    """Delete a word."""
    if not await asyncio.to_thread(_delete, runtime_of(request), word):
        raise NotFound("There is no such word.")


def _put(runtime: Runtime, word: str, meaning: str) -> ShopWordOut:
    name, kept = runtime.shop_words.put(word, meaning)
    runtime.desk.learn_words()
    return ShopWordOut(word=name, meaning=kept)


def _delete(runtime: Runtime, word: str) -> bool:
    existed = runtime.shop_words.delete(word)
    if existed:
        runtime.desk.learn_words()
    return existed


def _out(example: IntentExample) -> IntentExampleOut:
    return IntentExampleOut(
        id=example.id, intent=example.intent, text=example.text, created_at=moment(example.created_at)
    )
