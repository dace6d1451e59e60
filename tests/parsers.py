"""The parsers of foreign text, and inputs that would make a careless one slow.

Foreign is what comes from a network, a server, a certificate, a file, another process or a clipboard. ``PARSERS`` has every parser with the most that
the program gives it at once; ``test_parsers`` measures them, and names one that is missing here.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from iea_agent import channel
from iea_agent.assembly import change_keeper, saving, session, update_keeper
from iea_agent.domain import (
    addresses,
    announced_change,
    assistance_record,
    crash_record,
    download_plan,
    installer_plan,
    installer_result,
    interceptors,
    known_issuers,
    log_book,
    password_register,
    password_tries,
    pasted_text,
    phone_code,
    post_report,
    printable_text,
    program_search,
    program_version,
    proxy_choice,
    recording,
    redaction,
    refusals,
    release_notes,
    secret_spellings,
    server_test_record,
    settings,
    signed_policy,
    state_seal,
    support_memory,
    support_report,
    tls_verdicts,
    typed_password,
    update_catalogue,
    update_choice,
    update_machine,
    update_record,
    version_trial,
)
from iea_agent.host import journal, logs, settings_file, standard_input, state_files
from iea_agent.services import authentication, certificates, https, messages, portals, updates
from iea_agent.services.answer_head import AnswerHead
from iea_agent.services.content_coding import undo_codings
from iea_agent.services.judge import judge_answer
from iea_agent.services.messages import Reply, Request
from iea_agent.services.proxy_answers import ProxyAnswer, judge_proxy_answer
from iea_agent.services.token_answers import judge_licence, read_token
from iea_agent.services.web_pages import announces_maintenance, find_title, read_page
from iea_agent.shell.dialogs import typed_settings
from iea_agent.shell.wording import detail_text
from iea_desk import keys, notice_order, pasted_request, private_files, request_files
from iea_desk.web import form_data
from tests.releases import make_description, make_file

HEADERS = 100 * 1024
"""Bytes of an answer's head that httpcore takes."""
NAME = 800
"""Characters of a certificate's name that are decoded."""
CLIPBOARD = 100_000
"""Characters that a person pastes by mistake: a document of fifty pages."""
LONGEST_SECONDS = 0.2
"""Processor time that a parser may take for one input."""
ADDRESS = addresses.parse("https://serveur.exemple.fr")


class Frame(NamedTuple):
    """What stands before and behind a repeated piece, so that the parser gets to it."""

    before: str = ""
    behind: str = ""


class Parser(NamedTuple):
    """A parser: *read* gives it a text of *largest* characters at most.

    Each of the *frames* is tried, and the bare text.
    """

    read: Callable[[str], object]
    largest: int
    frames: tuple[Frame, ...] = ()


def _headers(*names: str, status: int) -> Callable[[str], Reply]:
    return lambda text: Reply(status, dict.fromkeys(names, text), b"")


def _body(text: str, kind: str = "text/html", status: int = 200) -> Reply:
    return Reply(status, {"content-type": kind}, text.encode("utf-8", "surrogatepass"))


def _each_status(read: Callable[[Reply], object], make: Callable[[str, int], Reply]) -> Callable[[str], None]:
    def run(text: str) -> None:
        for status in (200, 403):
            read(make(text, status))

    return run


def _judge(reply: Reply) -> object:
    return judge_answer(Request("GET", "https://serveur.exemple.fr/"), reply)


def _judge_proxy(text: str) -> None:
    names = ("proxy-authenticate", "x-squid-error", "proxy-status", "server", "location")
    for reply in (
        _headers(*names, status=503)(text),
        _headers("server", "www-authenticate", status=401)(text),
    ):
        answer = ProxyAnswer(reply, text)
        judge_proxy_answer(answer, "http://proxy:3128", refused=False, spoken=frozenset({"basic"}))


def _discover(text: str) -> None:
    with suppress(https.HttpsError):
        authentication.run_exchange(
            authentication.discover(ADDRESS), lambda _: _body(text, "application/json")
        )


def _check_typed(declaration: settings.Declaration, text: str) -> object:
    return declaration.check(declaration.parse_typed(text))


def _redact(text: str) -> str:
    names = redaction.PrivateNames(("secret",), (r"C:\Users\jdurand",), ("jdurand",), ("pc-3",))
    return redaction.Redaction(names, support_report.Level.STRICT).hide_foreign(text)


def _read_target(data: bytes) -> object:
    return updates.read_target(lambda _file, _largest: data, Path("root.json"), Path("folder"), "a", 1)


def _read_description(text: str) -> None:
    # TypeError: what is no object
    with suppress(ValueError, RecursionError, TypeError):
        update_catalogue.parse_release({**make_description(), **json.loads(text)})


def _offer_file(text: str) -> object:
    changes = {"closes": [text], "version": text, "detect.file": text, "notes.fr": text, "signer": text}
    for name, value in changes.items():
        with suppress(update_catalogue.CatalogueError):
            update_catalogue.parse_offer(make_file(**{name: value}))
    return update_catalogue.parse_offer(replace(make_file(), name=text))


def _take_head(text: str) -> None:
    for size in (len(text), 512):
        head = AnswerHead()
        head.begin()
        data = text.encode("utf-8", "surrogatepass")
        for at in range(0, len(data), size):
            head.take(data[at : at + size])


def _form(kind: str) -> Callable[[str], object]:
    def parse(text: str) -> None:
        with suppress(form_data.FormRefused):
            form_data.parse_form(kind, text.encode("utf-8", "surrogatepass"))

    return parse


def _state(parse: Callable[[Mapping[str, object]], object]) -> Parser:
    """Return the parser of a state file, which is JSON."""

    def parse_state(text: str) -> None:
        with suppress(ValueError, RecursionError):
            document = json.loads(text)
            # as state_files.py makes sure
            if isinstance(document, dict):
                parse(document)

    return Parser(parse_state, state_files.LARGEST_STATE // 4, (Frame("{", '"schema":1}'), *JSON))


def _log(text: str) -> None:
    formatter = logs.LineFormatter()
    formatter.hide("K3Y-9F2M-7QX4-20LB")
    record = logging.LogRecord("iea_agent", logging.INFO, "", 0, text, None, None)
    formatter.format(record)


def _journal(text: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "journal.jsonl")
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        list(journal.Journal(file).entries())
        journal.Journal(file).append("entered", datetime(2026, 11, 30, tzinfo=UTC), {})


def _channel_file(text: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "channel.json")
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        session.read_place(file)


def _refused(read: Callable[[str], object], *refusal: type[Exception]) -> Callable[[str], None]:
    def run(text: str) -> None:
        with suppress(*refusal):
            read(text)

    return run


def _bytes(read: Callable[[bytes], object]) -> Callable[[str], object]:
    return lambda text: read(text.encode("utf-8", "surrogatepass"))


JSON = (
    Frame('{"error":"invalid_client","error_description":"', '"}'),
    Frame('{"access_token":"x","scope":"', '"}'),
    Frame('{"issuer":"https://serveur.exemple.fr","token_endpoint":"', '"}'),
    Frame('{"error":"'),
    Frame('{"a":', "}"),
    Frame("[", "]"),
)
HTML = (
    Frame("<!doctype html>"),
    Frame("<html><title>", "</title>"),
    Frame("<html><h1>"),
    Frame("<html><!--"),
)
_ERRORS = "".join(f"a{number} = x\n" for number in range(20))
TOML = (
    Frame("a = [", f"]\n{_ERRORS}"),
    Frame(behind=f"\n[proxy]\n{_ERRORS}"),
    Frame("a = "),
    Frame("a = ["),
    Frame('a = "', '"'),
    Frame("[", "]"),
    Frame("a = '''"),
    Frame("[proxy]\nbypass = '", "'"),
)

PARSERS: Mapping[str, Parser] = {
    # --- what a network says
    "answer_head.AnswerHead": Parser(
        _take_head,
        HEADERS,
        (
            Frame("HTTP/1.1 200 OK\r\n", "\r\n\r\n"),
            Frame("HTTP/1.1 200 OK\r\nX-A: ", "\r\n\r\n"),
            Frame("HTTP/1.1 "),
        ),
    ),
    "messages.parse_challenges": Parser(
        lambda text: messages.parse_challenges([text]),
        HEADERS,
        (
            Frame("Basic realm="),
            Frame('Basic realm="'),
            Frame("Negotiate "),
            Frame("Digest a=b, ", ', c="d"'),
            Frame("a=", "x="),
            Frame('a="', '"x'),
        ),
    ),
    "messages.parse_location": Parser(
        lambda text: messages.parse_location(_headers("location", status=302)(text)),
        HEADERS,
        (Frame("http://"), Frame("//["), Frame("http://a/")),
    ),
    "messages.Reply.retry_after": Parser(
        lambda text: _headers("retry-after", "date", status=503)(text).retry_after,
        HEADERS,
        (Frame("9"), Frame("Thu, 01 Jan 1970 "), Frame("1.5 ")),
    ),
    "messages.Reply.server_time": Parser(
        lambda text: _headers("date", "age", status=503)(text).server_time,
        HEADERS,
        (Frame("9"), Frame("Thu, 01 Jan 1970 "), Frame("(")),
    ),
    "messages.Reply.parse_object": Parser(
        lambda text: _body(text).parse_object(error=str), https.BODY_LIMIT, JSON
    ),
    "judge.judge_answer: page": Parser(lambda text: _judge(_body(text, "text/html")), https.BODY_LIMIT, HTML),
    "judge.judge_answer: text": Parser(lambda text: _judge(_body(text, "text/plain", 403)), https.BODY_LIMIT),
    "judge.judge_answer: headers": Parser(
        lambda text: [
            _judge(
                _headers("location", "content-type", "retry-after", "proxy-authenticate", status=status)(text)
            )
            for status in (200, 302, 403, 407, 503)
        ],
        HEADERS // 4,
        (Frame("https://"), Frame("text/html")),
    ),
    "portals.detect_portal": Parser(
        lambda text: [
            portals.detect_portal(
                Request("GET", "http://serveur.exemple.fr/"),
                _headers("location", "content-type", status=status)(text),
            )
            for status in (200, 302, 511)
        ],
        HEADERS // 2,
        (Frame("https://"), Frame("text/html")),
    ),
    "web_pages.read_page": Parser(lambda text: read_page(_body(text)), https.BODY_LIMIT, HTML),
    "web_pages.announces_maintenance": Parser(
        lambda text: announces_maintenance(_body(text)), https.BODY_LIMIT, HTML + JSON
    ),
    "web_pages.find_title": Parser(lambda text: find_title(_body(text)), https.BODY_LIMIT, HTML),
    "proxy_answers.judge_proxy_answer": Parser(
        _judge_proxy, HEADERS // 5, (Frame("Basic realm="), Frame('Basic realm="'))
    ),
    "token_answers.read_token": Parser(lambda text: read_token(_body(text)), https.BODY_LIMIT, JSON),
    "token_answers.judge_licence": Parser(
        _each_status(
            lambda reply: judge_licence(reply, "iea"),
            lambda text, status: _body(text, "application/json", status),
        ),
        https.BODY_LIMIT,
        (*JSON, Frame("error="), Frame("<error>")),
    ),
    "token_answers.judge_licence: header": Parser(
        lambda text: judge_licence(_headers("www-authenticate", status=401)(text), ""),
        HEADERS,
        (Frame('Bearer error="invalid_client", error_description="'),),
    ),
    "authentication.discover": Parser(_discover, https.BODY_LIMIT, JSON),
    "content_coding.undo_codings": Parser(lambda text: undo_codings(b"{}", text, https.BODY_LIMIT), HEADERS),
    "tls_verdicts.judge_handshake": Parser(tls_verdicts.judge_handshake, NAME),
    "interceptors.recognise": Parser(lambda text: interceptors.recognise([text]), NAME),
    "interceptors.find_portal": Parser(lambda text: interceptors.find_portal([text]), NAME),
    "certificates.parse_certificate": Parser(
        _bytes(certificates.parse_certificate), HEADERS, (Frame("0\x82\x7f\x00"), Frame("0\x800\x80"))
    ),
    # --- what scripts, Windows and people give
    "proxy_choice.parse_proxy_list": Parser(
        lambda text: proxy_choice.parse_proxy_list(text, "https"),
        HEADERS,
        (Frame("PROXY "), Frame("https="), Frame("http://")),
    ),
    "proxy_choice.is_bypassed": Parser(
        lambda text: proxy_choice.is_bypassed(ADDRESS, text), HEADERS, (Frame("*"), Frame("s*", "r"))
    ),
    "proxy_choice.redact_script_address": Parser(
        proxy_choice.redact_script_address, HEADERS, (Frame("http://"), Frame("http://["))
    ),
    "addresses.clean": Parser(
        addresses.clean,
        4 * addresses.MAXIMUM_LENGTH,
        (Frame("https://"), Frame("Adresse : "), Frame("http://a/"), Frame("", "a")),
    ),
    "addresses.parse": Parser(
        _refused(addresses.parse, addresses.AddressError),
        addresses.MAXIMUM_LENGTH,
        (Frame("https://"), Frame("https://a:")),
    ),
    "pasted_text.decode_text": Parser(
        _refused(_bytes(lambda data: pasted_text.decode_text(data, "cp1252")), UnicodeDecodeError), CLIPBOARD
    ),
    "pasted_text.tidy_code": Parser(pasted_text.tidy_code, CLIPBOARD),
    "pasted_text.tidy_name": Parser(pasted_text.tidy_name, CLIPBOARD),
    "pasted_text.tidy_password": Parser(pasted_text.tidy_password, CLIPBOARD),
    "standard_input.read_line": Parser(
        _bytes(
            lambda data: _refused(lambda _: standard_input.read_line(BytesIO(data)), UnicodeDecodeError)("")
        ),
        CLIPBOARD,
    ),
    "typed_password.parse_typed_password": Parser(typed_password.parse_typed_password, 200),
    "typed_settings.tidy_address": Parser(
        lambda text: typed_settings.tidy_address(text, secure=True), CLIPBOARD, (Frame("https://"),)
    ),
    **{
        f"settings.DECLARATIONS: {each.name}": Parser(
            _refused(partial(_check_typed, each), settings.SettingsError),
            CLIPBOARD,
            (Frame("http://"), Frame("C:\\"), Frame("*")),
        )
        for each in {each.kind: each for each in settings.DECLARATIONS.values()}.values()
    },
    "settings.check_secret": Parser(
        _refused(lambda text: settings.check_secret("licence.key", text), ValueError), CLIPBOARD
    ),
    # --- what is written in files, and what other processes say
    "settings.parse_file": Parser(
        _refused(settings.parse_file, settings.SettingsError), settings_file.LARGEST_SETTINGS, TOML
    ),
    "settings.expand_variables": Parser(
        _refused(lambda text: settings.expand_variables(text, {}), KeyError), 1000
    ),
    "pasted_text.decode_file": Parser(_bytes(pasted_text.decode_file), settings_file.LARGEST_SETTINGS),
    "download_plan.parse_content_range": Parser(
        download_plan.parse_content_range, HEADERS, (Frame("bytes 0-"), Frame("bytes 0-1/"))
    ),
    "update_catalogue.parse_release": Parser(_read_description, updates.LARGEST // 4, JSON),
    "update_catalogue.parse_offer": Parser(
        _refused(_offer_file, update_catalogue.CatalogueError),
        updates.LARGEST // 4,
        (Frame("notes/", ".md"), Frame("a/")),
    ),
    "program_version.order_version": Parser(
        _refused(program_version.order_version, ValueError), updates.LARGEST // 4, (Frame("V"), Frame("3."))
    ),
    "updates.read_target": Parser(
        _refused(_bytes(_read_target), updates.TargetError),
        updates.LARGEST,
        (Frame('{"signatures":[],"signed":{"_type":"root","version":1,"x":"', '"}}'), *JSON),
    ),
    "password_register.parse_register": Parser(
        _refused(password_register.parse_register, password_register.RegisterError), 200_000, JSON
    ),
    "password_register.parse_generation": _state(password_register.parse_generation),
    "password_tries.parse_tries": _state(password_tries.parse_tries),
    "assistance_record.parse_assistance": _state(assistance_record.parse_assistance),
    "signed_policy.parse_policy": Parser(
        _refused(signed_policy.parse_policy, signed_policy.PolicyError), signed_policy.LARGEST_TEXT, JSON
    ),
    "signed_policy.parse_notices": Parser(
        _refused(signed_policy.parse_notices, signed_policy.PolicyError), signed_policy.LARGEST_TEXT, JSON
    ),
    "change_keeper.parse_state": _state(change_keeper.parse_state),
    "announced_change.parse_change_record": _state(announced_change.parse_change_record),
    "known_issuers.parse_record": _state(known_issuers.parse_record),
    "state_seal.parse_entry": Parser(
        _refused(state_seal.parse_entry, ValueError), state_files.LARGEST_STATE // 4, JSON
    ),
    "saving.parse_record": _state(saving.parse_record),
    "crash_record.parse_crash": _state(crash_record.parse_crash),
    "update_choice.parse_number": _state(update_choice.parse_number),
    "installer_plan.parse_installer_record": _state(installer_plan.parse_installer_record),
    "installer_result.parse_install_report": _state(installer_result.parse_install_report),
    "update_machine.parse_update_snapshot": _state(update_machine.parse_update_snapshot),
    "update_keeper.parse_progress": Parser(
        _refused(_bytes(update_keeper.parse_progress), ValueError),
        update_keeper.LARGEST_PROGRESS,
        JSON,
    ),
    "post_report.parse_post_report": Parser(
        _refused(
            lambda text: post_report.parse_post_report("PC", text.encode("utf-8", "surrogatepass")),
            ValueError,
        ),
        post_report.LARGEST_FILE,
        (Frame('{"schema":1,"agent":"","seen":1,"product":"', '"}'), *JSON),
    ),
    "post_report.parse_post_report: name": Parser(
        _refused(lambda text: post_report.parse_post_report(text, b"{}"), ValueError), NAME
    ),
    "update_record.parse_update_record": _state(update_record.parse_update_record),
    "update_record.parse_check_record": _state(update_record.parse_check_record),
    "update_record.parse_history": _state(update_record.parse_history),
    "version_trial.parse_version_record": _state(version_trial.parse_version_record),
    "version_trial.parse_trials": Parser(
        _bytes(version_trial.parse_trials), version_trial.LARGEST_TRIALS, (Frame("0.1.0 1 "), Frame("0"))
    ),
    "version_trial.parse_pointer": Parser(
        _bytes(version_trial.parse_pointer), version_trial.LARGEST_POINTER, (Frame("0"),)
    ),
    "server_test_record.parse_server_test": _state(server_test_record.parse_server_test),
    "program_version.find_program_version": Parser(
        _bytes(lambda data: program_version.find_program_version(lambda at, size: data[at : at + size])),
        program_version.LARGEST_RESOURCE,
        (Frame("MZ"),),
    ),
    # some lines: a file of many takes longer in proportion
    "journal.Journal": Parser(_journal, 2 * journal.LARGEST_LINE, (Frame('{"at":"', '"}'), *JSON)),
    "session.read_place": Parser(_channel_file, session.LARGEST_FILE, JSON),
    "channel.parse_message": Parser(
        _refused(_bytes(channel.parse_message), channel.ChannelError),
        channel.LARGEST,
        (Frame('{"schema":1,"do":"', '"}'), *JSON),
    ),
    "refusals.parse_refusal": Parser(
        lambda text: refusals.parse_refusal({"code": text, "reason": text}), channel.LARGEST
    ),
    # some lines: a file of many takes longer in proportion
    "log_book.parse_entries": Parser(
        _bytes(log_book.parse_entries),
        100 * log_book.LARGEST_LINE,
        (Frame('{"at":', "}\n"), Frame('{"at":1796000000,"state":"'), *JSON),
    ),
    "support_report.parse_report": Parser(
        _refused(_bytes(support_report.parse_report), support_report.ReportError),
        100_000,
        (Frame('{"schema":1,"made":1,"level":"none","system":"', '"}'), *JSON),
    ),
    "recording.parse_recording": _state(recording.parse_recording),
    "support_memory.parse_support_memory": _state(support_memory.parse_support_memory),
    "support_report.parse_test": _state(support_report.parse_test),
    # some lines: a file of many takes longer in proportion
    "redaction.Redaction": Parser(_redact, 20_000, (Frame("a@"), Frame("x."), Frame("1.1.1."), Frame("aa:"))),
    "phone_code.decode_phone_code": Parser(
        _refused(phone_code.decode_phone_code, phone_code.PhoneCodeError), CLIPBOARD
    ),
    "program_search.list_candidates": Parser(
        lambda text: program_search.list_candidates(
            [program_search.InstalledProgram(f"Impact emploi {text}", text, text)], {}
        ),
        32_767,
        (Frame('"C:\\'), Frame("C:\\", ",-1")),
    ),
    "detail_text.word_detail": Parser(
        detail_text.word_detail, HEADERS, (Frame("a."), Frame("OSError: [Errno "), Frame("a: [WinError 1]"))
    ),
    # --- the desk
    "keys.parse_keys": Parser(
        _refused(keys.parse_keys, keys.KeyFormatError), 100_000, (*JSON, Frame("2026-11:"))
    ),
    "pasted_request.parse_request": Parser(
        pasted_request.parse_request,
        CLIPBOARD,
        (Frame("Problème : "), Frame("IEA-"), Frame("A1B2-"), Frame("Ce qui se passe : ")),
    ),
    "pasted_request.strip_tags": Parser(
        pasted_request.strip_tags, pasted_request.LONGEST_PAGE, (Frame("<"), Frame("<br "))
    ),
    "request_files.decode_bytes": Parser(_bytes(request_files.decode_bytes), CLIPBOARD),
    "form_data.parse_form": Parser(
        _form("multipart/form-data; boundary=b"),
        CLIPBOARD,
        (
            Frame("--b\r\n"),
            Frame('--b\r\nx; name="', '"\r\n\r\n\r\n--b--'),
            Frame('--b\r\nname="a"\r\n\r\n', "\r\n--b--"),
        ),
    ),
    "form_data.parse_form: fields": Parser(
        _form("application/x-www-form-urlencoded"), CLIPBOARD, (Frame("a="), Frame("%"))
    ),
    "form_data.parse_form: kind": Parser(
        _refused(lambda text: form_data.parse_form(text, b"a=b"), form_data.FormRefused),
        HEADERS,
        (Frame("multipart/form-data; "), Frame("multipart/form-data; boundary=")),
    ),
    "notice_order.parse_time": Parser(
        _refused(
            lambda text: notice_order.parse_time(text, datetime(2026, 11, 30, tzinfo=UTC)), keys.DeskError
        ),
        HEADERS,
        (Frame("2026-11-30"), Frame("2026-11-30T9:"), Frame("9")),
    ),
    "private_files.is_open_to_others": Parser(
        _refused(lambda text: private_files.is_open_to_others(text, "SY"), IndexError),
        HEADERS,
        (Frame("D:("),),
    ),
    # --- what is made safe to show
    "printable_text.clean_detail": Parser(printable_text.clean_detail, HEADERS),
    "printable_text.clean_foreign_text": Parser(printable_text.clean_foreign_text, HEADERS),
    "release_notes.parse_notes": Parser(
        release_notes.parse_notes,
        release_notes.LARGEST_NOTES,
        (Frame("- "), Frame("**", "**"), Frame("[a](", ")"), Frame("# "), Frame("a\n")),
    ),
    "printable_text.escape_controls": Parser(printable_text.escape_controls, HEADERS),
    "secret_spellings.blot": Parser(
        lambda text: secret_spellings.blot(text, ["K3Y-9F2M-7QX4-20LB"]), https.BODY_LIMIT
    ),
    "secret_spellings.blot_tokens": Parser(secret_spellings.blot_tokens, https.BODY_LIMIT),
    "logs.LineFormatter": Parser(_log, HEADERS, (Frame("Bearer "), Frame("Basic a"))),
}
"""Every parser by its module and name; a second entry of one has a word behind a colon."""

PIECES = (
    *('"', '\\"', "\\", 'a\\"', "'", "`", "«"),
    *(",", ", ", "a,", ";", "a;", ":", "a:", ".", "a.", "-", "_", "a_"),
    *(" ", "\t", "a ", "\n", "\r\n", "\n ", "a\n", "\x00", "\x1b[31m"),
    *("a", "aA", "é", "\u00a0", "e\u0301", "\u200b", "\ufdfa", "\ud800", "İ"),
    *("0", "9", "9.", "0x"),
    *("=", "a=", 'a="', 'a="b",', "a = 1\n", "[a]\n", "[[a]]\n", "{a=", "#"),
    *("(", "[", "{", "[]", '{"a":', '[{"', '"a",', '"a":1,', "]", ")"),
    *("<", "<a ", "<!--", "<title>", "<h1 ", "<h1></h1>", "&", "&#", "&amp;"),
    *("%", "%20", "/", "/ ", "/\u00a0", "a/", "https://", "www.", "@", "?"),
    *("*", "*a", "127.0.0.1:80;", "PROXY a;", "HTTP/1.1 100 a\r\n\r\n", "X: y\r\n", "X\r\n"),
    *("Basic ", "Basic a, ", "Digest a=b, ", "(e.g.", "not ", "client ", "or unknown "),
    *("document.cookie=", "location", "maintenance ", "scope ", "required ", "invalid ", "secret "),
    *("2026-11-30T", "Thu, ", "2026-11:", "D:(A;;FA;;;"),
)  # fmt: skip
"""What an input repeats."""


def inputs(parser: Parser, size: int) -> Iterator[str]:
    """Yield the inputs of *size* characters for *parser*."""
    for frame in (Frame(), *parser.frames):
        room = size - len(frame.before) - len(frame.behind)
        for piece in PIECES:
            yield frame.before + (piece * (room // len(piece) + 1))[:room] + frame.behind


def measure(parser: Parser, text: str) -> float:
    """Return the processor time of *parser* for *text*, in seconds."""
    begun = time.process_time()
    parser.read(text)
    return time.process_time() - begun
