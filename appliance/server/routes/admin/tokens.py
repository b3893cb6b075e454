"""Tokens and keys."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from litestar import Request, delete, get, post
from litestar.params import PathParameter

from appliance.domain import ID_PATTERN
from appliance.errors import NotFound
from appliance.server.admin_schemas import NewTokenOut, TokenIn, TokenList, TokenOut
from appliance.server.body import read_body
from appliance.server.exchange import runtime_of
from appliance.server.present import moment

TokenId = Annotated[str, PathParameter(min_length=1, max_length=128, pattern=ID_PATTERN)]


@get("/tokens", operation_id="listTokens", summary="Valid tokens, without their secrets")
async def list_tokens(request: Request[Any, Any, Any]) -> TokenList:
    """List the tokens that are valid."""
    tokens = runtime_of(request).tokens.list()
    return TokenList(
        items=[
            TokenOut(id=token.id, kind=token.kind, name=token.name, created_at=moment(token.created_at))
            for token in tokens
        ]
    )


@post("/tokens", status_code=201, operation_id="createToken", summary="A new token")
async def create_token(request: Request[Any, Any, Any]) -> NewTokenOut:
    """Make a token. The secret is not shown again."""
    data = await read_body(request, TokenIn)
    token = await asyncio.to_thread(runtime_of(request).tokens.create, data.kind, data.name)
    return NewTokenOut(id=token.id, kind=token.kind, name=token.name, secret=token.secret)


@delete("/tokens/{token_id:str}", status_code=204, operation_id="revokeToken", summary="Revoke a token")
async def revoke_token(request: Request[Any, Any, Any], token_id: TokenId) -> None:
    """Revoke a token at once."""
    if not await asyncio.to_thread(runtime_of(request).tokens.revoke, token_id):
        raise NotFound("There is no such token.")
