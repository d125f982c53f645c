from __future__ import annotations

import html
import json
import re
import textwrap
from html import unescape
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given

from runwisp.config.settings import Notifier, ParseMode
from runwisp.config.templates import FILTERS
from runwisp.model import EndReason, UnixMs
from runwisp.notify import escape, payload
from runwisp.notify.message import Message
from runwisp.notify.request import CannotRender
from runwisp.notify.templates import body
from tests.config.test_notifications import NOTIFIERS
from tests.make import config
from tests.notify import events
from tests.notify.channels.received import form_of, json_of, parts_of, read, text_of
from tests.notify.hostile import BARE, WHOLE, failed, message, messages

NOW = UnixMs(events.START + 90_000)

_BY_ID = config(NOTIFIERS).notifiers
BLOCKS = (
    *("emoji", "title", "headline", "sentence", "trigger", "tail", "link", "link_label", "footer"),
    *("coalesced_note", "coalesced_count", "coalesced_summary", "fingerprint"),
)
JSON_TYPES = ("slack", "discord", "webhook", "ntfy", "gotify", "pushover")


def _with(type_: str, template: str, **options: object) -> Notifier:
    notifier = _BY_ID[type_]
    return evolve(notifier, template=template, options={**notifier.options, **options})


def _rendered(template: str, told: Message = WHOLE, type_: str = "sendmail") -> str:
    rendered = body(_with(type_, template), told)
    assert rendered is not None
    return rendered


def test_a_notifier_without_a_template_has_no_body_of_its_own() -> None:
    assert body(_BY_ID["slack"], WHOLE) is None


@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_is_a_variable(name: str) -> None:
    told = message(events.failure(), tail="x", coalesced_count=3, coalesced_summary=True)
    assert _rendered(f"{{{{ {name} }}}}", told) == str(getattr(told, name))


def test_the_fields_of_the_event_are_there() -> None:
    run = WHOLE.event.run
    assert run is not None
    template = (
        "{{ event.id }} {{ event.kind }} {{ event.severity }} {{ event.task_name }} {{ event.reason }}|"
        "{{ event.run.id }} {{ event.run.exit_code }} {{ event.run.end_reason }} {{ event.run.label }}|"
        "{{ event.timestamp | rfc3339 }} {{ event.run.start_at | human_time }} "
        "{{ event.run.duration | human_duration }}"
    )
    assert _rendered(template) == (
        f"{WHOLE.event.id} run.failed error db:backup failed, exit code 3, 41 s|{run.id} 3 failed db:backup|"
        "2026-03-02T03:00:00.000+01:00 2 Mar, 02:59 41s"
    )
    assert _rendered("{{ event.extra.free_bytes }}", message(events.disk_pressure())) == "314572800"
    assert _rendered("{{ event.run is none }}", BARE) == "True"


def test_the_event_can_be_written_as_json() -> None:
    value = json.loads(_rendered("{{ event | tojson }}"))
    assert value["timestamp"] == "2026-03-02T03:00:00.000+01:00"
    assert value["run"]["task_name"] == "db:backup"
    assert "process_group" not in value["run"]


def test_moments_and_durations_that_are_not_known_are_empty() -> None:
    told = message(events.started())
    template = "[{{ event.run.end_at | rfc3339 }}{{ event.run.end_at | human_time }}"
    assert _rendered(template + "{{ event.run.duration | human_duration }}]", told) == "[]"


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_that_loading_knows_is_there(name: str) -> None:
    value = "event.timestamp" if name in ("rfc3339", "human_time") else "5"
    assert _rendered(f"{{{{ {value} | {name} }}}}")


def test_the_filters_of_slack_escape_its_markup() -> None:
    told = failed("t", None, "``` <!channel> &")
    assert _rendered("{{ tail | slack }}", told) == "``` &lt;!channel&gt; &amp;"
    assert _rendered("{{ tail | slack_code }}", told) == "`\u200b`\u200b` &lt;!channel&gt; &amp;"


@pytest.mark.parametrize("type_", JSON_TYPES)
def test_json_replaces_the_body_and_nothing_else(type_: str) -> None:
    template = '{"text": {{ title | tojson }}, "n": {{ coalesced_count | tojson }}}'
    own, plain = payload.request(_with(type_, template), WHOLE), payload.request(_BY_ID[type_], WHOLE)
    assert (own.url, own.headers) == (plain.url, plain.headers)
    value = json_of(own)
    assert (value.pop("text"), value.pop("n")) == ("db:backup failed", None)
    ours = {
        "discord": {"allowed_mentions": {"parse": []}},
        "ntfy": {"topic": "x"},
        "pushover": {"token": "x", "user": "x"},
    }
    assert value == ours.get(type_, {})


def test_what_names_the_receiver_stays_ours() -> None:
    template = '{"channel": "#other", "topic": "other", "user": "other", "token": "other"}'
    slack = json_of(payload.request(_with("slack", template, channel="#ops"), WHOLE))
    assert slack["channel"] == "#ops"
    assert json_of(payload.request(_with("ntfy", template), WHOLE))["topic"] == "x"
    pushover = json_of(payload.request(_with("pushover", template), WHOLE))
    assert (pushover["user"], pushover["token"]) == ("x", "x")


def test_the_operator_may_allow_mentions() -> None:
    template = '{"content": "@here", "allowed_mentions": {"parse": ["everyone"]}}'
    assert json_of(payload.request(_with("discord", template), WHOLE)) == json.loads(template)


def test_a_webhook_may_get_json_of_any_form() -> None:
    assert json_of(payload.request(_with("webhook", "[{{ title | tojson }}]"), WHOLE)) == ["db:backup failed"]


@pytest.mark.parametrize("type_", JSON_TYPES)
@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ titel }}", "titel"),
        ("{{ 1 / 0 }}", "division"),
        ("{{ event.run.__class__ }}", "unsafe"),
        ("{{ event.extra.clear() }}", "unsafe"),
        ("{% include 'x' %}", "loader"),
        ('{"text": "{{ title }}', "not JSON"),
        ('{"n": NaN}', "not JSON"),
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_template_that_fails_cannot_render(type_: str, template: str, says: str) -> None:
    with pytest.raises(CannotRender, match=says) as caught:
        payload.request(_with(type_, template), WHOLE)
    assert len(str(caught.value)) <= 200


@pytest.mark.parametrize("type_", sorted(set(JSON_TYPES) - {"webhook"}))
def test_json_that_is_no_object_cannot_be_sent(type_: str) -> None:
    with pytest.raises(CannotRender, match="not a JSON object"):
        payload.request(_with(type_, "[1]"), WHOLE)


def test_html_is_escaped_by_itself_and_once() -> None:
    told = failed("<b>&\"'", None, "")
    assert _rendered("<p>{{ title }}</p>", told, "smtp") == "<p>&lt;b&gt;&amp;&#34;&#39; failed</p>"
    assert _rendered("<b>{{ title }}</b>", told, "telegram") == "<b>&lt;b&gt;&amp;&quot;' failed</b>"
    assert _rendered("<b>{{ title | telegram }}</b>", told, "telegram") == (
        "<b>&lt;b&gt;&amp;&quot;' failed</b>"
    )
    assert _rendered("{{ title }}", told, "sendmail") == "<b>&\"' failed"


def _markdown(template: str, told: Message) -> str:
    notifier = _with("telegram", template, parse_mode=ParseMode.MARKDOWN_V2)
    fields = form_of(payload.request(notifier, told))
    assert (fields["chat_id"], fields["parse_mode"]) == ("1", "MarkdownV2")
    return fields["text"]


def test_markdown_is_escaped_by_itself_and_once() -> None:
    told = failed("a_b.c", None, "")
    assert _markdown("*{{ title }}*", told) == r"*a\_b\.c failed*"
    assert _markdown("*{{ title | telegram }}*", told) == r"*a\_b\.c failed*"
    assert _markdown("{{ '*' | safe }}{{ event.run.exit_code }}", told) == "*3"


@given(messages())
def test_markdown_of_hostile_texts_has_no_other_marks_than_its_own(told: Message) -> None:
    text = _markdown("*{{ title }}*\n{{ sentence }}\n{{ tail }}", told)
    plain = re.sub(r"\\.", "", text, flags=re.DOTALL)
    assert plain.count("*") == 2
    assert not set(r"_[]()~`>#+-=|{}.!" + "\\") & set(plain)
    assert re.search(r"(?<!\w)@\w", text) is None


@given(messages())
def test_html_of_hostile_texts_has_no_other_tags_than_its_own(told: Message) -> None:
    for type_ in ("telegram", "smtp"):
        rendered = _rendered("<b>{{ title }}</b>{{ tail }}", told, type_)
        assert rendered.count("<") == rendered.count(">") == 2
        shown = unescape(rendered.replace("<b>", "").replace("</b>", "")).replace("\u200b", "")
        assert shown == unescape(html.escape(told.title + told.tail)).replace("\u200b", "")


@given(messages())
def test_json_of_hostile_texts_says_what_they_are(told: Message) -> None:
    template = '{"a": {{ sentence | tojson }}, "b": {{ tail | slack_code | tojson }}}'
    value = json_of(payload.request(_with("webhook", template), told))
    assert value == {"a": told.sentence, "b": escape.slack_code(told.tail)}


def test_letters_keep_their_headers() -> None:
    told = message(events.ended(events.ended_run(EndReason.SUCCESS)))
    mail = payload.letter(_with("smtp", "<h1>{{ headline }}</h1><p>own &amp; {{ footer }}"), told, NOW)
    plain, html_part = parts_of(mail)
    assert plain == "✅ backup succeeded\nown & from runwisp · bright-falcon\n"
    assert html_part.startswith("<h1>✅ backup succeeded</h1>")
    assert read(mail)["Subject"] == "backup succeeded"
    letter = payload.letter(_with("sendmail", "own {{ sentence }}"), told, NOW)
    assert text_of(letter) == "own Finished after 41s.\n"
    assert read(letter)["Subject"] == "backup succeeded"


def test_html_with_a_declaration_of_its_own_cannot_be_sent() -> None:
    with pytest.raises(CannotRender, match="not HTML"):
        payload.letter(_with("smtp", "<![x[a]]>"), WHOLE, NOW)


_EXAMPLES = re.compile(r"code-block:: jinja\n\n((?:    .*\n|\n)+)")


def test_the_examples_of_the_documentation_work_with_and_without_a_run() -> None:
    page = Path(__file__).parents[2] / "docs" / "message-templates.rst"
    for_json, for_html = map(textwrap.dedent, _EXAMPLES.findall(page.read_text()))
    value = json_of(payload.request(_with("slack", for_json), failed("t", 'a "&"', "```")))
    assert value["text"] == '❌ t failed Exit code 3 after 41s: a "&amp;"'
    assert value["attachments"] == [{"text": "```\n`\u200b`\u200b`\n```"}]
    assert "It began at 2 Mar, 02:59." in _rendered(for_html, WHOLE, "smtp")
    assert "It began" not in _rendered(for_html, BARE, "smtp")


def test_every_variable_and_filter_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "message-templates.rst").read_text()
    assert [name for name in (*BLOCKS, *FILTERS, "event") if f"``{name}``" not in page] == []
