from __future__ import annotations

from html import escape as html_escaped
from html import unescape

import pytest
from hypothesis import given

from runwisp.notify import escape
from runwisp.notify.html_text import html_text
from tests.notify.hostile import texts


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("<p>a</p><p>b</p>", "a\nb\n"),
        ("<h1> a \n b </h1>\n  <div>c<br>d</div>", "a b\nc\nd\n"),
        ("<p>1 &lt; 2 &amp;&amp; 3 &#62; 2</p>", "1 < 2 && 3 > 2\n"),
        ("<b>a</b> <i>b</i>", "a b\n"),
        ("<pre>  a\n\n    b</pre>c", "  a\n\n    b\nc\n"),
        ("<a href='https://x.example'>see</a>", "see (https://x.example)\n"),
        ("<a name='x'>see</a></a>", "see\n"),
        ("<head><title>t</title><style>p {}</style></head><script>x()</script><p>a", "a\n"),
        ("<p>a</p><p></p><hr><hr><ul><li>b</li><li>c</li></ul>", "a\nb\nc\n"),
        ("a<br><br><br><br>b", "a\n\nb\n"),
        ("<!-- x --><![if mso]>a<![endif]>", "a\n"),
        ("", "\n"),
    ],
)
def test_the_text_is_what_one_would_see(document: str, text: str) -> None:
    assert html_text(document) == text


@given(texts)
def test_any_text_comes_back_but_for_its_blanks(text: str) -> None:
    assert html_text(f"<p>{escape.html(text)}</p>").split() == unescape(html_escaped(text)).split()
