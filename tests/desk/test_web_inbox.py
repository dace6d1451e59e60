"""The page of the mailbox: by problem, repetitions as one, a request beside."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest

from iea_agent.domain import problems
from iea_desk.inbox import sort_inbox
from iea_desk.inbox_folder import iterate_messages
from iea_desk.web.desk_pages import MOST_DROPPED, DeskSources
from iea_desk.web.inbox_page import render_inbox_page
from iea_desk.web.mailbox import Mailbox
from tests.desk.desk_visitor import PageReader, serve
from tests.desk.requests import NOW
from tests.desk.test_inbox import make_others, make_outage
from tests.desk.test_web_hostile import EVIL, check_harmless

pytestmark = pytest.mark.linux  # the same program; once is enough


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mailbox with an outage, and others."""
    place = tmp_path / "boîte de Marie"
    place.mkdir()
    mails = {f"{number}.eml": make_outage(number) for number in range(12)} | make_others()
    for name, mail in mails.items():
        (place / name).write_bytes(mail)
    return place


def find_link(page: PageReader, words: str) -> str | None:
    """Return where the link called *words* leads, None if there is none."""
    return next((place.partition("#")[0] for place, name in page.links if name == words), None)


def test_it_is_grouped_collapsed_and_an_incident_leads_to_a_notice(folder: Path) -> None:
    with serve(DeskSources(inbox=folder)) as visitor:
        page = visitor.read_page(visitor.get("boite"))
        assert "16 messages de 15 postes, 3 sujets" in page.words
        assert re.search(
            r"12 postes, même code, depuis (?:le \d\d/\d\d à )?\d+ h \d\d : incident ?",
            page.words.replace("\u00a0", " "),
        )
        assert "marie@exemple.fr (2 messages)" in page.words
        assert "et 4 autres" in page.words
        assert re.search(r"y@exemple.fr, [^:]* : mot de passe du jour", page.words.replace("\u00a0", " "))
        assert "piege.eml\u00a0: Refusé" in page.words
        assert "boîte de Marie" not in page.words
        (notice,) = [link for link in page.list_values("href", "a") if link.startswith("avis?")]
        filled = visitor.read_page(visitor.get(notice))
        assert problems.SERVER_UNAVAILABLE.title in filled.list_values("value", "input")[0]
        # each sender once, and the message beside
        links = [link for link in page.list_values("href", "a") if "ouvert=" in link]
        assert len(links) == 15
        beside = visitor.read_page(visitor.get("boite" + links[0].partition("#")[0]))
        assert "demande" in beside.list_values("id", "h2")
        assert problems.SERVER_UNAVAILABLE.code in beside.words
        assert beside.tags.count("tr") == 10
        assert beside.list_values("aria-current", "a") == ["page", "true"]
        assert "Demande suivante" in beside.words
        assert "Demande précédente" not in beside.words
        # from one to the next, each once
        seen, page_beside = {links[0].partition("#")[0]}, beside
        while (following := find_link(page_beside, "Demande suivante")) is not None:
            assert following not in seen
            seen.add(following)
            page_beside = visitor.read_page(visitor.get(f"boite{following}"))
        assert len(seen) == 15
        # the last one repeated herself: both of her messages can be opened
        last = visitor.read_page(visitor.get("boite" + links[-1].partition("#")[0]))
        assert "Ses messages" in last.words
        assert "Demande suivante" not in last.words
        assert len({link for link in last.list_values("href", "a") if "ouvert=" in link}) == 16
        # it has been moved meanwhile, by another program
        for file in folder.iterdir():
            file.unlink()
        gone = visitor.read_page(visitor.get("boite" + links[0].partition("#")[0]))
        assert "n’est plus dans la boîte" in gone.words
        folder.rmdir()
        answer = visitor.get("boite")
        assert answer.status_code == 500
        words = visitor.read_page(answer).words
        assert "il n’y a plus rien à cet endroit." in words
        assert "rechargez cette page" in words


def test_without_a_mailbox_the_page_says_how_to_name_one() -> None:
    with serve(DeskSources()) as visitor:
        assert "iea-desk web --inbox DOSSIER" in visitor.read_page(visitor.get("boite")).words


def test_what_there_is_no_time_for_is_read_by_the_next_look(folder: Path) -> None:
    hurried = Mailbox(partial(iterate_messages, folder), seconds=0)
    view = hurried.look()
    assert (view.inbox.message_count, view.waiting) == (0, 17)
    page = PageReader(render_inbox_page(view, "", ""))
    assert "17 messages attendent encore" in page.words
    assert "Lire la suite" in page.words
    patient = Mailbox(partial(iterate_messages, folder))
    first, second = patient.look(), patient.look()
    assert first.waiting == 0
    # what was read is not read again
    assert [id(each) for each in first.keys.values()] == [id(each) for each in second.keys.values()]
    assert first.inbox == sort_inbox(
        [(each.name, (folder / each.name).read_bytes()) for each in first.keys.values()]
    )


def test_an_mbox_is_read_too_and_a_name_is_text(tmp_path: Path) -> None:
    mbox = tmp_path / "boite.mbox"
    mbox.write_bytes(
        b"".join(b"From x Mon Nov 30\n" + make_outage(number, NOW) + b"\n\n" for number in range(3))
    )
    view = Mailbox(partial(iterate_messages, mbox)).look()
    assert view.inbox.message_count == 3
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / f"{EVIL.replace('/', '')}.eml").write_bytes(b"To: x\nSubject: y\n\nIEA-N02")
    view = Mailbox(partial(iterate_messages, tmp_path / "evil")).look()
    (key,) = view.keys
    for opened in ("", key):
        page = PageReader(render_inbox_page(view, opened, ""))
        check_harmless(page)
        assert "<script>" in page.words


def test_a_dropped_mbox_is_a_mailbox_and_lives_as_long_as_the_pages() -> None:
    mbox = b"".join(b"From x Mon Nov 30\n" + make_outage(number) + b"\n\n" for number in range(3))
    with serve(DeskSources()) as visitor:
        assert visitor.get("depot-1").status_code == 404
        page = visitor.read_page(visitor.post("demande", {}, mbox))
        assert "3 postes, même code" in page.words
        (first, *_others) = [link for link in page.list_values("href", "a") if "ouvert=" in link]
        beside = visitor.read_page(visitor.get("depot-1" + first.partition("#")[0]))
        assert beside.tags.count("tr") == 10
        one = visitor.read_page(visitor.post("demande", {}, b"From x\nTo: y\nSubject: z\n\nIEA-N02"))
        assert "IEA-N02" in one.words
        for broken in (b"From ", b"From x\n" * 5000, b"From " + b"x" * 9_000_000):
            assert visitor.read_page(visitor.post("demande", {}, broken)).tags.count("h1") == 1


def test_each_window_keeps_the_mbox_that_was_dropped_in_it() -> None:
    boxes = [b"From x Mon Nov 30\n" + make_outage(number) + b"\n\n" for number in range(MOST_DROPPED + 1)]
    with serve(DeskSources()) as visitor:
        addresses = [str(visitor.post("demande", {}, box).url) for box in boxes]
        names = [f"poste{number}@exemple.fr" for number in range(len(boxes))]
        words = [visitor.read_page(visitor.client.get(address)).words for address in addresses]
    assert "n’est plus ouverte" in words[0]
    assert [[name in each for name in names] for each in words[1:]] == [
        [name == own for name in names] for own in names[1:]
    ]
