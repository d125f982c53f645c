"""A login as the description of the protocol has it, and for how long it lasts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from tests.system.independent.session import Client, LoginRefused, response_to
from tests.system.program import running

pytestmark = pytest.mark.system

PASSWORD = "Zürich: 漢字 and a colon"
TASK = """
[tasks.hello]
run = "echo hello"
"""


def test_who_knows_the_password_gets_a_token_of_a_day_and_acts_with_it(tmp_path: Path) -> None:
    with running(tmp_path, TASK, {"RUNWISP_PASSWORD": PASSWORD}) as daemon:
        client = Client(daemon.port)
        refused = client.call("GET", "/api/runs")
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert re.fullmatch("[0-9a-f]{64}", client.challenge())

        session = client.login(PASSWORD)
        assert session.header == {"alg": "HS256", "typ": "JWT"}
        assert (session.claims["iss"], session.claims["aud"]) == ("runwisp", "runwisp-api")
        assert session.claims["exp"] == session.claims["iat"] + 86_400
        assert abs(session.claims["iat"] - datetime.now(UTC).timestamp()) < 60
        assert session.expires_at == datetime.fromtimestamp(session.claims["exp"], UTC)

        fired = client.call("POST", "/api/tasks/hello/trigger?wait=true")
        assert (fired.status, fired.json()["end_reason"]) == (201, "success")
        run = client.call("GET", fired.headers["location"])
        assert (run.status, run.json()) == (200, fired.json())


def test_the_cookie_serves_as_well_and_is_kept_from_scripts_and_other_sites(tmp_path: Path) -> None:
    with running(tmp_path, TASK, {"RUNWISP_PASSWORD": PASSWORD}) as daemon:
        client = Client(daemon.port)
        jar = SimpleCookie(client.login(PASSWORD).cookie)
        morsel = jar["runwisp_jwt"]
        attributes = {name: morsel[name] for name in ("path", "max-age", "samesite", "httponly")}
        assert attributes == {"path": "/api/", "max-age": "86400", "samesite": "Strict", "httponly": True}
        assert (morsel["domain"], morsel["secure"]) == ("", "")
        held = {"Cookie": f"runwisp_jwt={morsel.value}"}
        own = {"Origin": f"http://127.0.0.1:{daemon.port}"}

        assert client.call("GET", "/api/runs", held).status == 200
        status = client.call("GET", "/api/auth/status", held).json()
        assert (status["auth_required"], status["authenticated"]) == (True, True)
        out = client.call("POST", "/api/auth/logout", held | own)
        assert (out.status, out.json()["authenticated"]) == (200, False)
        gone = SimpleCookie(out.headers["set-cookie"])["runwisp_jwt"]
        assert (gone["max-age"], gone["path"]) == ("0", "/api/")


def test_a_session_outlives_the_daemon_and_ends_with_the_password(tmp_path: Path) -> None:
    with running(tmp_path, TASK, {"RUNWISP_PASSWORD": PASSWORD}) as daemon:
        client = Client(daemon.port)
        client.login(PASSWORD)
        assert daemon.stop() == 0
        daemon.start()
        assert client.call("GET", "/api/runs").status == 200
        assert daemon.stop() == 0
        daemon.environ["RUNWISP_PASSWORD"] = "another"
        daemon.start()
        assert client.call("GET", "/api/runs").status == 401
        client.session = None
        with pytest.raises(LoginRefused) as caught:
            client.login(PASSWORD)
        assert caught.value.reply.status == 401
        client.login("another")
        assert client.call("GET", "/api/runs").status == 200


def test_the_password_that_the_daemon_made_is_one_line_of_its_file(tmp_path: Path) -> None:
    with running(tmp_path, TASK) as daemon:
        text = (daemon.data / "password").read_text()
        assert re.fullmatch("[0-9A-Za-z]{22}\n?", text)
        client = Client(daemon.port)
        client.login(text.removesuffix("\n"))
        assert client.call("GET", "/api/runs").status == 200


def test_a_ticket_of_a_session_opens_the_dashboard_once(tmp_path: Path) -> None:
    with running(tmp_path, TASK, {"RUNWISP_PASSWORD": PASSWORD}) as daemon:
        client = Client(daemon.port)
        client.login(PASSWORD)
        made = client.call("POST", "/api/auth/launch-ticket")
        assert (made.status, made.json()["expires_in"]) == (201, 60)
        assert re.fullmatch("[0-9A-Za-z]{43}", made.json()["ticket"])
        path = f"/api/auth/launch-ticket?ticket={made.json()['ticket']}&redirect=/runs"
        opened = client.call("GET", path, {})
        assert (opened.status, opened.headers["location"]) == (303, "/runs")
        cookie = opened.headers["set-cookie"].partition(";")[0]
        assert client.call("GET", "/api/runs", {"Cookie": cookie}).status == 200
        spent = client.call("GET", path, {})
        assert (spent.status, spent.json()["type"]) == (401, "urn:runwisp:problem:rejected")


def test_a_nonce_is_good_for_one_answer_right_or_wrong(tmp_path: Path) -> None:
    with running(tmp_path, TASK, {"RUNWISP_PASSWORD": PASSWORD}) as daemon:
        client = Client(daemon.port)
        right, wrong = client.challenge(), client.challenge()
        assert client.answer(right, response_to(right, PASSWORD)).status == 200
        assert client.answer(right, response_to(right, PASSWORD)).status == 401
        assert client.answer(wrong, response_to(wrong, "guessed")).status == 401
        assert client.answer(wrong, response_to(wrong, PASSWORD)).status == 401
