from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runwisp.model import UnixMs
from runwisp.web.auth.tokens import Tokens

SECRET = b"s" * 32
NOW = UnixMs(1_772_416_800_412)
DAY_MS = 86_400_000
ENDS_AT = UnixMs(1_772_416_800_000 + DAY_MS)
CLAIMS = {"iss": "runwisp", "aud": "runwisp-api", "iat": 1_772_416_800, "exp": 1_772_503_200}

#: Imports what reads tokens, and uses it.
SCRIPT = """
import sys
from runwisp.web.auth.tokens import Tokens
tokens = Tokens(b"s" * 32)
assert tokens.ends_at(tokens.issue(0).text, 0) == 86_400_000
assert not {"cryptography", "OpenSSL"} & set(sys.modules), sys.modules.keys()
import cryptography
"""


def tokens() -> Tokens:
    return Tokens(SECRET)


def part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def signed(claims: dict[str, Any], secret: bytes = SECRET, algorithm: str = "HS256") -> str:
    return jwt.PyJWS().encode(json.dumps(claims).encode(), secret, algorithm)


def test_a_token_ends_a_day_after_it_was_issued() -> None:
    token = tokens().issue(NOW)
    assert token.ends_at == ENDS_AT
    assert tokens().ends_at(token.text, NOW) == ENDS_AT
    assert tokens().ends_at(token.text, UnixMs(ENDS_AT - 1)) == ENDS_AT
    assert tokens().ends_at(token.text, ENDS_AT) is None


def test_a_token_holds_the_claims_of_the_spec_and_nothing_else() -> None:
    token = tokens().issue(NOW).text
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert jwt.decode(token, options={"verify_signature": False}) == CLAIMS


def test_a_token_stays_good_when_the_clock_steps_back() -> None:
    assert tokens().ends_at(tokens().issue(NOW).text, UnixMs(NOW - DAY_MS)) == ENDS_AT


def test_a_token_of_another_secret_is_not_ours() -> None:
    assert tokens().ends_at(Tokens(b"t" * 32).issue(NOW).text, NOW) is None


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", ""])
def test_a_token_without_signature_is_refused(algorithm: str) -> None:
    head = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(CLAIMS)}."
    genuine = tokens().issue(NOW).text.rpartition(".")[2]
    assert tokens().ends_at(head, NOW) is None
    assert tokens().ends_at(head + genuine, NOW) is None


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_a_token_of_another_algorithm_is_refused_even_with_our_secret(algorithm: str) -> None:
    assert tokens().ends_at(signed(CLAIMS, algorithm=algorithm), NOW) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "other"},
        {"iss": "Runwisp"},
        {"iss": ["runwisp"]},
        {"aud": "other-api"},
        {"aud": ["runwisp-api", "other-api"]},
        {"exp": NOW // 1000},
        {"exp": 0},
        {"exp": -1},
        {"exp": "1772503200"},
        {"exp": 1772503200.5},
        {"exp": None},
    ],
)
def test_a_token_of_foreign_or_expired_claims_is_refused_even_with_our_secret(
    changed: dict[str, Any],
) -> None:
    assert tokens().ends_at(signed(CLAIMS | changed), NOW) is None


@pytest.mark.parametrize("name", ["iss", "aud", "iat", "exp"])
def test_a_token_without_one_of_its_claims_is_refused(name: str) -> None:
    left = {key: value for key, value in CLAIMS.items() if key != name}
    assert tokens().ends_at(signed(left), NOW) is None


@given(st.data())
def test_a_token_with_any_letter_changed_is_refused(data: st.DataObject) -> None:
    token = tokens().issue(NOW).text
    # The last letter of a signature has two bits that mean nothing.
    place = data.draw(st.integers(0, len(token) - 2))
    letter = data.draw(st.characters().filter(lambda letter: letter != token[place]))
    assert tokens().ends_at(token[:place] + letter + token[place + 1 :], NOW) is None


@given(st.one_of(st.text(), st.text(alphabet="eyJhbGciOiJIUzI1NiJ9.-_=", max_size=600)))
def test_any_text_is_no_token_and_no_error(text: str) -> None:
    assert tokens().ends_at(text, NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "." * 100_000,
        "\udc80.\udc80.\udc80",
        f"{base64.urlsafe_b64encode(b'[' * 40_000).decode()}.e30.e30",
        f"{base64.urlsafe_b64encode(b'[' * 360).decode()}.e30.",
        f"{part(['alg'])}.e30.e30",
        f"{part({'alg': 'HS256', 'b64': False, 'crit': ['b64']})}..e30",
        f"{part({'alg': 'HS256', 'kid': 7})}.e30.e30",
        f"{part({'alg': {}})}.e30.e30",
        "eyJhbGciOiJIUzI1NiJ9.e30.\x00",
    ],
)
def test_a_malformed_token_is_refused(text: str) -> None:
    assert tokens().ends_at(text, NOW) is None


def test_a_token_does_not_show_in_logs() -> None:
    token = tokens().issue(NOW)
    assert token.text not in repr(token)
    assert "sss" not in repr(tokens())


def test_tokens_are_read_without_cryptography_in_memory_which_others_still_find() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=60)
