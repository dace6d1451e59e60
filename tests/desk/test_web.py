"""The desk's pages over HTTP: who gets them, and what they say of a request."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from iea_agent.domain import problems
from iea_agent.domain.day_password import spell_letters
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.settings import DEFAULTS
from iea_agent.domain.support_letter import LONGEST_MAILTO
from iea_desk.cli import main
from iea_desk.support_case import Origin, SupportCase
from iea_desk.todays_password import make_todays_message
from iea_desk.web.case_pages import render_case_page
from iea_desk.web.desk_pages import MOST_CASES, DeskSources
from iea_desk.web.guard import HEADERS
from tests.desk.desk_visitor import PageReader, Visitor, serve
from tests.desk.requests import NOW, make_letter, make_mail, make_phone_code, pack_report
from tests.status_documents import make_status

ASSISTANCE = make_mail(
    "Merci.", pack_report(None, status=make_status(Snapshot(State.ASSISTANCE, NOW), DEFAULTS), test=None)
)


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The desk's keys."""
    file = tmp_path_factory.mktemp("cles") / "trousseau.json"
    assert main(["init", "--kid", "2026a", "--key-file", str(file)]) == 0
    return file


@pytest.fixture(scope="module")
def visitor(key_file: Path) -> Iterator[Visitor]:
    """A browser in front of the pages."""
    with serve(DeskSources(key_file)) as visitor:
        yield visitor


# who gets them


@pytest.mark.linux
def test_the_address_is_good_once_and_no_other_leads_to_a_page(visitor: Visitor) -> None:
    again = visitor.client.get(visitor.address)
    assert again.status_code == 403
    assert "ne sert qu’une fois" in again.text
    folder = visitor.start.split("/")[3]
    for wrong in ("", "?jeton=x", "?jeton=é", "x/", "desk.css", f"{folder}x/", f"{folder[:-1]}/", "%2e%2e/"):
        answer = visitor.client.get(f"{visitor.origin}/{wrong}")
        assert answer.status_code == 403, wrong
        assert answer.text.count("<main>") == 1
        assert "<form" not in answer.text
        assert folder not in answer.text
        PageReader(answer.text)


@pytest.mark.linux
def test_who_looks_at_the_address_only_does_not_use_it_up(key_file: Path) -> None:
    with serve(DeskSources(key_file), looks_first=True) as visitor:
        assert visitor.get().status_code == 200


@pytest.mark.linux
def test_another_name_of_this_pc_and_another_page_are_refused(visitor: Visitor) -> None:
    port = visitor.origin.rpartition(":")[2]
    for host in ("exemple.fr", f"exemple.fr:{port}", "127.0.0.1", f"localhost:{port}", f"[::1]:{port}", ""):
        answer = visitor.get(headers={"Host": host})
        assert answer.status_code in (400, 421), host
        assert "<form" not in answer.text
    for origin in ("https://exemple.fr", "null", f"{visitor.origin}0", visitor.origin.upper(), ""):
        for place in ("demande", "avis"):
            answer = visitor.post(place, {"texte": "IEA-N02"}, headers={"Origin": origin})
            assert answer.status_code == 403, origin
            assert "rien n’est fait" in answer.text
    without = visitor.client.post(f"{visitor.start}demande", data={"texte": "IEA-N02"})
    assert without.status_code == 403
    assert visitor.client.put(visitor.start).status_code == 405


@pytest.mark.linux
def test_the_port_is_open_on_this_pc_only(visitor: Visitor) -> None:
    port = int(visitor.origin.rpartition(":")[2])
    # all addresses of this network lead to this PC, and a port that is open to everybody is open there, too
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), timeout=2):
        pass


@pytest.mark.linux
def test_every_answer_asks_for_nothing_elsewhere_and_is_not_stored(visitor: Visitor) -> None:
    for place in ("", "demande?n=99", "boite", "avis", "desk.css", "desk.js", "rien", "../"):
        answer = visitor.get(place)
        for name, value in HEADERS.items():
            assert answer.headers.get_list(name) == [value], place
        assert "server" not in answer.headers
        assert "set-cookie" not in answer.headers
    assert HEADERS["cache-control"] == "no-store"
    policy = HEADERS["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert not re.search(r"url\(|@import|https?:", visitor.get("desk.css").text)
    assert not re.search(r"innerHTML|eval|https?:", visitor.get("desk.js").text)


# what they say


@pytest.mark.parametrize("problem", [problems.NAME_UNKNOWN, problems.SERVER_UNAVAILABLE])
def test_a_file_a_message_a_code_and_a_text_give_the_same_problem(
    visitor: Visitor, problem: problems.Problem
) -> None:
    letter = make_letter(problem)
    sent: list[tuple[dict[str, str], bytes | None]] = [
        ({"texte": ""}, pack_report(problem)),
        ({"texte": ""}, make_mail("Merci.", pack_report(problem))),
        ({"texte": ""}, make_mail(letter.whole_text)),
        ({"texte": make_phone_code(problem).lower().replace("-", " ")}, None),
        ({"texte": letter.body}, None),
        # a file counts more than what is left in the field
        ({"texte": "IEA-P03"}, pack_report(problem)),
    ]
    for fields, file in sent:
        answer = visitor.post("demande", fields, file)
        page = visitor.read_page(answer)
        assert answer.status_code == 200
        assert f"<h1>{problem.code} – " in answer.text
        assert page.tags.count("tr") == 10
        assert page.list_values("href", "a")[-1].startswith("mailto:")


@pytest.mark.linux
def test_the_first_page_has_the_password_and_spells_it(visitor: Visitor, key_file: Path) -> None:
    message = make_todays_message(key_file, "*", "")
    page = visitor.read_page(visitor.get())
    assert f"\n{message.letters}\n" in page.words
    for part in (message.letters, message.words, spell_letters(message.letters), message.until):
        assert part in page.words
    assert "lettres" in page.list_values("data-copy", "button")
    assert str(key_file.parent) not in page.words


@pytest.mark.linux
def test_without_a_key_the_page_says_why_and_reads_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "absent.txt"
    with serve(DeskSources(file)) as visitor:
        page = visitor.read_page(visitor.get())
        assert "Il n’y a pas de fichier absent.txt." in page.words
        assert str(tmp_path) not in page.words
        case = visitor.read_page(visitor.post("demande", {}, ASSISTANCE))
        assert "Le mot de passe du jour manque" in case.words
        assert "[à compléter" in case.words
        file.write_text("2026-11:x", encoding="ascii")
        file.chmod(0o644)
        assert "chmod 600 'absent.txt'" in visitor.read_page(visitor.get()).words.replace("’", "'")


@pytest.mark.linux
def test_the_answer_has_the_password_only_where_it_is_wanted(visitor: Visitor, key_file: Path) -> None:
    letters = make_todays_message(key_file, "*", "").letters
    wanted = visitor.post("demande", {}, ASSISTANCE)
    page = visitor.read_page(wanted)
    assert f"\n{letters}\n" in page.words
    assert "adresse connue" in page.words
    assert page.list_values("value", "input")[:2] == ["marie@exemple.fr", "Re: Serveur de connexion 3.00.72"]
    other = visitor.post("demande", {}, make_mail("Merci.", pack_report(problems.NAME_UNKNOWN)))
    assert letters not in other.text


@pytest.mark.linux
def test_no_answer_is_cut_by_the_mail_program() -> None:
    for subject, is_long in (("", False), ("é" * 120, True)):
        case = SupportCase(Origin.TEXT, "IEA-T12", asks_password=True, subject=subject, sender=subject)
        text = render_case_page(case, "")
        (link,) = re.findall(r'href="(mailto:[^"]*)"', text)
        assert len(unescape(link)) < LONGEST_MAILTO
        assert link.endswith("body=") is is_long
        assert link.endswith("Impact%20emploi%0D%0A") is not is_long
        assert ("copiez-le, puis collez-le" in text) is is_long


WRONG = {
    "nothing": ({"texte": " \n"}, None, 400, "Collez un code ou un texte"),
    "a wrong code": ({"texte": "4HD7-C5F0-4YX"}, None, 422, "douze caractères"),
    "a picture": ({"texte": "mon brouillon"}, b"\x89PNG\r\n\x1a\n\0\0", 422, "ni un fichier d’assistance"),
    "Outlook": ({"texte": "mon brouillon"}, b"\xd0\xcf\x11\xe0\0", 422, ".msg"),
}


@pytest.mark.linux
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_input_is_named_and_nothing_is_lost(visitor: Visitor, name: str) -> None:
    fields, file, status, words = WRONG[name]
    answer = visitor.post("demande", fields, file)
    page = visitor.read_page(answer)
    assert answer.status_code == status
    assert words in page.words
    assert "alert" in page.list_values("role")
    assert f">{fields['texte']}</textarea>" in answer.text


@pytest.mark.linux
def test_open_requests_are_bounded_and_a_forgotten_one_is_named(visitor: Visitor) -> None:
    places = [str(visitor.post("demande", {"texte": "IEA-N02"}).url) for _ in range(MOST_CASES + 1)]
    assert visitor.client.get(places[0]).status_code == 404
    assert visitor.client.get(places[1]).status_code == 200
    for number in ("0", "-1", "x", "²", "9" * 5000, "1e3", ""):
        answer = visitor.get(f"demande?n={number}")
        assert answer.status_code == 404
        assert "oubliées" in visitor.read_page(answer).words


# the command


@pytest.mark.linux  # signals, and a process
def test_the_command_prints_the_address_and_ends_with_control_c(key_file: Path) -> None:
    command = [sys.executable, "-m", "iea_desk", "web", "--no-browser", "--key-file", str(key_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        visitor = Visitor(process.stdout.readline().strip())
        assert visitor.get().status_code == 200
        visitor.client.close()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert "Rien n’a été gardé" in output


def test_a_place_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--inbox", "--repository"):
        assert main(["web", "--no-browser", option, str(tmp_path / "absent")]) == 1
        assert "Il n’y a ni dossier ni fichier" in capsys.readouterr().err
