"""The files of the dashboard: what is found at a path, for whom, and with which headers."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from runwisp.web.api.auth import AuthApi
from runwisp.web.app import App, make_resource
from runwisp.web.guard import Gate
from runwisp.web.static import DASHBOARD, Static
from tests.web.auth.daemon import Daemon
from tests.web.requests import OpenGate, Response, call
from tests.web.sample import SampleApi

NAVIGATION = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
INDEX = b'<script src="/@version/js/a.js"></script><link href="/@version/app.css+more.css"><!-- icons.svg -->'
SCRIPT = b"export const a = 1;\n" * 100


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A dashboard of a few files, beside a file that is none of its."""
    root = tmp_path / "dashboard"
    (root / "js").mkdir(parents=True)
    (root / "index.html").write_bytes(INDEX)
    (root / "app.css").write_bytes(b"a { color: red }")
    (root / "more.css").write_bytes(b"b { color: blue }")
    (root / "icons.svg").write_bytes(b"<svg/>")
    (root / "js" / "a.js").write_bytes(SCRIPT)
    (root / "notes.txt").write_text("not for the browser")
    (tmp_path / "secret.js").write_text("secret")
    return root


@pytest.fixture
def app(directory: Path) -> App:
    return served(directory)


def served(directory: Path) -> App:
    return make_resource([SampleApi()], OpenGate(), Clock(), lambda: 0.0, Static(directory))


def get(app: App, path: str, method: str = "GET", **headers: str) -> Response:
    return call(app, method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def base(app: App) -> str:
    """The path below which the index page finds the files."""
    match = re.search(r'src="(/@[0-9a-f]{16})/js/a\.js"', get(app, "/").text)
    assert match
    return match[1]


@pytest.mark.parametrize("path", ["/", "/index.html"])
@pytest.mark.parametrize("accept", [NAVIGATION, "*/*", "application/json"])
def test_the_index_page_is_asked_for_again_each_time(app: App, path: str, accept: str) -> None:
    answer = get(app, path, Accept=accept)
    assert (answer.status, answer.media_type) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"
    assert "'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("name", "media_type", "content"),
    [
        ("/app.css", "text/css; charset=utf-8", b"a { color: red }"),
        ("/js/a.js", "text/javascript; charset=utf-8", SCRIPT),
    ],
)
def test_a_file_is_found_by_its_name_and_below_the_version(
    app: App, name: str, media_type: str, content: bytes
) -> None:
    plain, versioned = get(app, name), get(app, base(app) + name)
    assert (plain.status, plain.media_type, plain.body) == (200, media_type, content)
    assert (versioned.status, versioned.media_type, versioned.body) == (200, media_type, content)
    assert plain.headers["cache-control"] == "no-cache"
    assert versioned.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["etag"] == versioned.headers["etag"]


def test_the_index_page_has_the_icons_in_it_and_gets_its_styles_as_one(app: App) -> None:
    text = get(app, "/").text
    assert text.endswith("<svg/>")
    assert f'href="{base(app)}/app.css+more.css"' in text
    styles = get(app, f"{base(app)}/app.css+more.css")
    assert (styles.media_type, styles.body) == (
        "text/css; charset=utf-8",
        b"a { color: red }b { color: blue }",
    )


def test_another_content_has_another_version(directory: Path) -> None:
    before = base(served(directory))
    assert base(served(directory)) == before
    (directory / "app.css").write_text("a { color: blue }")
    assert base(served(directory)) != before


def test_files_are_read_at_start_alone(directory: Path, app: App) -> None:
    (directory / "app.css").unlink()
    (directory / "js" / "late.js").write_text("late")
    assert get(app, "/app.css").status == 200
    assert get(app, "/js/late.js").status == 404


@pytest.mark.parametrize(
    "path", ["/runs", "/tasks/backup.daily", "/tasks/db%3Abackup/x", "/tasks/a.js", "/a%00"]
)
def test_any_other_path_is_the_index_page_for_who_reads_html(app: App, path: str) -> None:
    assert get(app, path, Accept=NAVIGATION).body == get(app, "/").body


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("text/html", 200),
        ("TEXT/HTML ; q=0.1", 200),
        ("text/*", 200),
        ("application/json, text/html", 200),
        ("*/*", 404),
        ("application/json", 404),
        ("text/html;q=0", 404),
        ("text/html2", 404),
        ("", 404),
    ],
)
def test_the_index_page_needs_a_header_that_names_html(app: App, accept: str, status: int) -> None:
    assert get(app, "/runs", Accept=accept).status == status


def test_who_accepts_nothing_in_particular_finds_no_page(app: App) -> None:
    assert get(app, "/runs").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/none.css",
        "/favicon.ico",
        "/js/none.js",
        "/js/",
        "/js",
        "/js/a.js/",
        "/notes.txt",
        "/@0123456789abcdef/js/a.js",
        "/@version/js/a.js",
    ],
)
def test_a_missing_file_is_no_page(app: App, path: str) -> None:
    accept = "*/*" if path == "/js" else NAVIGATION
    answer = get(app, path, Accept=accept)
    assert (answer.status, answer.media_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.js",
        "/js/../../secret.js",
        "/js/../app.css",
        "/./app.css",
        "/%2e%2e/secret.js",
        "/..%2fsecret.js",
        "/js/..%2f..%2fsecret.js",
        "/%2e%2e%2fsecret.js",
        "/js/%5c..%5c..%5csecret.js",
        "/js/a.js%00.css",
        "//app.css",
        "/js//a.js",
        "/etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_list(app: App, path: str) -> None:
    answer = get(app, path)
    assert answer.status == 404
    assert b"secret\n" not in answer.body
    assert get(app, path, Accept=NAVIGATION).body in {answer.body, get(app, "/").body}


def test_unknown_paths_of_the_api_are_never_the_page(app: App) -> None:
    answer = get(app, "/api/nowhere", Accept=NAVIGATION)
    assert (answer.status, answer.media_type) == (404, "application/problem+json")


def test_who_takes_gzip_gets_it(app: App) -> None:
    plain, packed = get(app, "/js/a.js"), get(app, "/js/a.js", Accept_Encoding="gzip, br")
    assert (plain.headers["vary"], packed.headers["vary"]) == ("Accept-Encoding", "Accept-Encoding")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-length"] == str(len(packed.body))
    assert gzip.decompress(packed.body) == plain.body
    assert plain.headers["etag"] == packed.headers["etag"]


@pytest.mark.parametrize("condition", ["{}", "*", '"x", {}', "strong"])
def test_what_the_browser_has_already_is_not_sent_again(app: App, condition: str) -> None:
    etag = get(app, "/app.css").headers["etag"]
    condition = etag.removeprefix("W/") if condition == "strong" else condition.format(etag)
    answer = get(app, "/app.css", If_None_Match=condition)
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", etag)
    assert not {"content-length", "content-type", "content-encoding"} & set(answer.headers)


def test_what_the_browser_has_of_before_is_sent_anew(app: App) -> None:
    assert get(app, "/app.css", If_None_Match='W/"0123456789abcdef"').status == 200


@pytest.mark.parametrize("path", ["/", "/js/a.js", "/runs"])
def test_head_has_the_headers_of_get(app: App, path: str) -> None:
    whole = get(app, path, Accept=NAVIGATION, Accept_Encoding="gzip")
    head = get(app, path, "HEAD", Accept=NAVIGATION, Accept_Encoding="gzip")
    assert head.body == b""
    assert head.status == whole.status
    assert {**head.headers, "date": ""} == {**whole.headers, "date": ""}


def test_files_are_only_read(app: App) -> None:
    answer = get(app, "/app.css", "POST")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_the_dashboard_stays_within_its_budget() -> None:
    """150 kB, compressed, for everything that there is (spec: interfaces, web dashboard)."""
    files = [path for path in DASHBOARD.rglob("*") if path.is_file()]
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in files) < 150_000


def test_the_index_page_names_only_files_that_are_there() -> None:
    app = make_resource([], OpenGate(), Clock(), lambda: 0.0, Static())
    names = re.findall(r'(?:src|href)="(/[^"]+)"', get(app, "/").text)
    assert names
    assert {name: get(app, name).status for name in names} == dict.fromkeys(names, 200)


def test_no_file_of_the_dashboard_writes_markup_or_names_another_host() -> None:
    """Data only ever becomes text, and the policy of the page forbids the rest."""
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
        r"|\bstyle\s*=\s*[\"']|\son\w+\s*=\s*[\"']|https?://(?!www\.w3\.org/2000/svg)"
    )
    found = {
        (path.name, match[0])
        for path in DASHBOARD.rglob("*")
        if path.is_file()
        for match in forbidden.finditer(path.read_text())
    }
    assert found == set()


def test_a_browser_with_a_launch_link_that_is_used_up_gets_the_page_that_asks_for_the_password(
    directory: Path,
) -> None:
    daemon = Daemon()
    gate = Gate(daemon.auth, "127.0.0.1", lambda: daemon.settings)
    app = make_resource([AuthApi(daemon.auth)], gate, daemon.clock, daemon.wall, Static(directory))
    path = "/api/auth/launch-ticket?ticket=unknown"
    page = get(app, path, Accept=NAVIGATION)
    assert (page.status, page.media_type, page.body) == (401, "text/html; charset=utf-8", get(app, "/").body)
    assert page.headers["cache-control"] == "no-store"
    other = get(app, path)
    assert (other.status, other.media_type) == (401, "application/problem+json")
    missing = get(app, "/api/auth/launch-ticket", Accept=NAVIGATION)
    assert (missing.status, missing.media_type) == (422, "application/problem+json")
