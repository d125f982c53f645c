from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest
from hypothesis import given

from runwisp.notify.request import CannotRender, form_request, json_request
from runwisp.notify.text import encodable
from tests.notify.hostile import texts


@given(texts)
def test_json_carries_any_text(text: str) -> None:
    body = json_request("https://x.example", {"t": text}).body
    assert json.loads(body.decode()) == {"t": encodable(text)}


@given(texts)
def test_a_form_carries_any_text_that_utf8_can_hold(text: str) -> None:
    fields = parse_qs(
        form_request("https://x.example", {"a": text, "b": "1"}).body.decode(), keep_blank_values=True
    )
    assert fields == {"a": [encodable(text)], "b": ["1"]}


@pytest.mark.parametrize("headers", [{"X": "a\r\nHost: b"}, {"X\n": "a"}, {"X": "\0"}])
def test_a_header_of_two_lines_is_refused_without_being_told(headers: dict[str, str]) -> None:
    with pytest.raises(CannotRender) as caught:
        json_request("https://x.example", {}, headers)
    assert "Host" not in str(caught.value)


def test_secrets_do_not_show_in_the_representation() -> None:
    request = json_request("https://x.example/secret", {"token": "secret"}, {"Authorization": "secret"})
    assert "secret" not in repr(request)
