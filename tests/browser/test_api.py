"""How the dashboard talks: streams of events in pieces, problems, hashes, and one stream for all tabs."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

STREAM = (
    "event: ping\ndata: {}\n\n"
    'id: 5f0c91aa-412\nevent: run.deleted\ndata: {"run_id":"A\\n: b","task_name":"é"}\n\n'
    'data: [1]\n\n: comment\nretry: 5\n\nid: 7\nevent: done\ndata:{"a":1}\n\n'
)
EVENTS: list[dict[str, Any]] = [
    {"type": "ping", "id": None, "data": {}},
    {"type": "run.deleted", "id": "5f0c91aa-412", "data": {"run_id": "A\n: b", "task_name": "é"}},
    {"type": "message", "id": None, "data": [1]},
    {"type": "done", "id": "7", "data": {"a": 1}},
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_a_stream_may_be_divided_anywhere(modules: Page, size: int) -> None:
    call = """async ([text, size]) => {
        const { EventParser } = await import('/js/api.js');
        const events = [];
        const parser = new EventParser((event) => events.push({ ...event }));
        for (let at = 0; at < text.length; at += size) parser.feed(text.slice(at, at + size));
        return events;
    }"""
    assert modules.evaluate(call, [STREAM, size]) == EVENTS


def test_queries_leave_out_what_is_not_given(modules: Page) -> None:
    call = "async (query) => (await import('/js/api.js')).queryText(query)"
    assert modules.evaluate(call, {}) == ""
    query = {"a": None, "b": [], "c": ["x y", "z"], "d": 0, "e": False, "f": "", "g": "&"}
    assert modules.evaluate(call, query) == "?c=x+y%2Cz&d=0&e=false&f=&g=%26"


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (
            409,
            '{"type":"urn:runwisp:problem:wrong-state","detail":"no","errors":[]}',
            [409, "wrong-state", "no"],
        ),
        (502, "<html>", [0, "unreachable", "HTTP status 502."]),
        (500, "", [500, "internal", "HTTP status 500."]),
    ],
)
def test_refusals_become_problems(modules: Page, status: int, body: str, wanted: list[object]) -> None:
    call = """async ([status, body]) => {
        const { api } = await import('/js/api.js');
        globalThis.fetch = async () => new Response(body, { status });
        const problem = await api.post('/api/x').catch((error) => error);
        return [problem.status, problem.code, problem.detail];
    }"""
    assert modules.evaluate(call, [status, body]) == wanted


def test_a_daemon_that_is_gone_is_a_problem_too(modules: Page) -> None:
    call = """async () => {
        const { api } = await import('/js/api.js');
        globalThis.fetch = async () => { throw new TypeError('Failed to fetch'); };
        const problem = await api.get('/api/x').catch((error) => error);
        return [problem.status, problem.isUnreachable];
    }"""
    assert modules.evaluate(call) == [0, True]


@given(st.binary(max_size=300))
@settings(max_examples=60)
def test_the_hash_for_plain_http_is_sha_256(modules: Page, content: bytes) -> None:
    call = "async (bytes) => (await import('/js/sha256.js')).sha256Hex(new Uint8Array(bytes))"
    assert modules.evaluate(call, list(content)) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("is_secure", [True, False])
def test_the_password_never_leaves_the_page(modules: Page, is_secure: bool) -> None:
    call = """async (isSecure) => {
        const { login } = await import('/js/api.js');
        const sent = [];
        globalThis.fetch = async (url, { method, body }) => {
            sent.push([method, url, body ?? null]);
            return new Response(JSON.stringify({ nonce: 'ab'.repeat(32), expires_in: 60 }));
        };
        const [had, subtle] = [globalThis.crypto, { digest: async () => new Uint8Array(32).fill(7).buffer }];
        const offer = (value) => Object.defineProperty(globalThis, 'crypto', { value, configurable: true });
        offer(isSecure ? { subtle } : {});
        await login('geheim ü');
        offer(had);
        return sent;
    }"""
    nonce = "ab" * 32
    response = "07" * 32 if is_secure else hashlib.sha256(f"geheim ü:{nonce}".encode()).hexdigest()
    assert modules.evaluate(call, is_secure) == [
        ["GET", "/api/auth/challenge", None],
        ["POST", "/api/auth/login", f'{{"nonce":"{nonce}","response":"{response}"}}'],
    ]
