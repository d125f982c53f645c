from __future__ import annotations

from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.web.auth.redirect import clean


@pytest.mark.parametrize(
    ("redirect", "path"),
    [
        ("/", "/"),
        ("/tasks/nightly-backup", "/tasks/nightly-backup"),
        ("/runs/01JA9XQ4Z6M8T2V7C3K5N0RBHD?tab=log#end", "/runs/01JA9XQ4Z6M8T2V7C3K5N0RBHD"),
        ("/tasks/a:b", "/tasks/a:b"),
        ("/tasks/two words", "/tasks/two%20words"),
        ("/tasks/caf\u00e9", "/tasks/caf%C3%A9"),
        ("/tasks/caf%C3%A9", "/tasks/caf%C3%A9"),
        ("/%255Chost", "/%255Chost"),
        ("/a//b", "/a//b"),
        ("/./", "/./"),
        ("/@evil.example", "/@evil.example"),
    ],
)
def test_a_path_of_ours_stays(redirect: str, path: str) -> None:
    assert clean(redirect) == path


@pytest.mark.parametrize(
    "redirect",
    [
        "",
        "relative",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%5Cevil.example",
        "/%5cevil.example",
        "/%2Fevil.example",
        "/%2f%2fevil.example",
        "%2F%2Fevil.example",
        "https://evil.example",
        "https:/evil.example",
        "https:evil.example",
        "HTTPS://evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        " //evil.example",
        "\t//evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/%09/evil.example",
        "/%0d%0aSet-Cookie:x",
        "/ok\r\nSet-Cookie: x=y",
        "/\x00",
        "?next=/",
        "#/",
        "/a\\b",
        "//[",
        "http://[",
    ],
)
def test_what_might_lead_elsewhere_leads_home(redirect: str) -> None:
    assert clean(redirect) == "/"


@given(st.one_of(st.text(), st.text(alphabet="/\\%25cCF.:@?#[]\t\r\n aé", max_size=12).map("/".__add__)))
def test_no_redirect_leaves_the_host_or_breaks_the_header(redirect: str) -> None:
    location = clean(redirect)
    target = urlsplit(urljoin("http://127.0.0.1:9477/api/auth/launch-ticket", location))
    assert (target.scheme, target.netloc) == ("http", "127.0.0.1:9477")
    assert location.isascii()
    assert location.isprintable()
    assert location[:1] == "/"
    assert unquote(location)[1:2] not in ("/", "\\")
