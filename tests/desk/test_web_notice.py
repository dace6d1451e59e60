"""The page of a notice: what is typed is what agents show, or a clear refusal."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from iea_agent.domain.signed_policy import NOTICES_FILE, find_notice, parse_notices
from iea_agent.shell.wording.incident_text import describe_incident
from iea_desk.cli import main
from iea_desk.notice_order import NoticeOrder
from iea_desk.publication import open_publication
from iea_desk.web.desk_pages import DeskSources
from iea_desk.web.notice_page import quote_command
from tests.desk.desk_visitor import Visitor, serve
from tests.desk.test_publish import Publisher

pytestmark = pytest.mark.linux  # the same program; once is enough

NOW = datetime.now().astimezone().replace(second=0, microsecond=0)
LATER = f"{NOW + timedelta(hours=1):%Y-%m-%dT%H:%M}"
TYPED = {
    "texte": "Le serveur est en panne.",
    "depuis": f"{NOW:%Y-%m-%dT%H:%M}",
    "prochaine": LATER,
    "inutile": "oui",
}


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    """A release manager with a repository."""
    publisher = Publisher(tmp_path_factory.mktemp("editeur"))
    publisher.do("key", "marie")
    publisher.do("init", "--root", "marie", "--targets", "marie", "--online", "marie")
    publisher.do("sign")
    return publisher


@pytest.fixture(scope="module")
def visitor(publisher: Publisher) -> Iterator[Visitor]:
    """A browser in front of the pages with that repository."""
    with serve(DeskSources(repository=publisher.folder)) as visitor:
        yield visitor


def test_the_preview_is_what_an_agent_shows_after_the_publication(
    visitor: Visitor, publisher: Publisher
) -> None:
    before = publisher.files()
    begun = time.time()
    preview = visitor.read_page(visitor.post("avis", {**TYPED, "faire": "voir"}))
    ended = time.time()
    assert publisher.files() == before
    written = visitor.read_page(visitor.post("avis", {**TYPED, "faire": "ecrire"}))
    assert "iea-desk publish sign" in written.words
    # the draft alone is changed
    assert not [
        file for file in publisher.files().keys() - before.keys() if publisher.draft not in file.parents
    ]
    publisher.do("sign")
    text = publisher.client("new").load(NOTICES_FILE)[NOTICES_FILE].decode()
    notice = find_notice(parse_notices(text), NOW.timestamp() + 1)
    assert notice is not None
    # the same, unless midnight comes between
    sentences = {describe_incident(notice, moment) for moment in (begun, ended)}
    assert any(sentence in preview.words for sentence in sentences)
    assert all("inutile d’écrire" in sentence for sentence in sentences)
    visitor.post("avis", {"faire": "finir"})
    with open_publication(publisher.folder) as publication:
        assert parse_notices((publication.read_target(NOTICES_FILE) or b"").decode()) == ()


WRONG = {
    "no text": ({"texte": " "}, "Écrivez le texte"),
    "long": ({"texte": "x" * 301}, "301 caractères"),
    "two lines": ({"texte": "a\nb"}, "une ligne"),
    "no time": ({"depuis": "hier"}, "hier\u00a0» n’est pas une heure"),
    "no such day": ({"prochaine": "2026-02-30T10:00"}, "n’est pas une heure"),
    "no year": ({"depuis": "0000-01-01T00:00"}, "n’est pas une heure"),
    "the last year": ({"fin": "9999-12-31T23:59"}, "une semaine au plus"),
    "a begin in the last year": ({"depuis": "9999-12-31T23:59"}, "après son début"),
    "end before begin": ({"fin": f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M}"}, "après son début"),
    "too long": ({"fin": f"{NOW + timedelta(days=8):%Y-%m-%dT%H:%M}"}, "une semaine au plus"),
    "nothing asked": ({"faire": "x"}, "Aucun dépôt"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_field_is_named_and_nothing_is_lost_or_written(
    visitor: Visitor, publisher: Publisher, name: str
) -> None:
    changed, words = WRONG[name]
    before = publisher.files()
    sent = {**TYPED, "anglais": "The server is down.", "faire": "ecrire", **changed}
    answer = visitor.post("avis", sent)
    page = visitor.read_page(answer)
    assert answer.status_code == 422
    assert words in page.words
    assert publisher.files() == before
    values = page.list_values("value", "input")
    for field in ("texte", "depuis", "prochaine", "anglais"):
        assert sent[field].strip() in values or "\n" in sent[field]


def test_a_repository_that_is_gone_is_named(tmp_path: Path) -> None:
    with serve(DeskSources(repository=tmp_path / "absent")) as visitor:
        page = visitor.read_page(visitor.post("avis", {**TYPED, "faire": "ecrire"}))
        assert "Il n’y a pas de dépôt" in page.words
        assert str(tmp_path) not in page.words


def test_without_a_repository_the_page_gives_the_command_that_does_it(publisher: Publisher) -> None:
    order = NoticeOrder(
        "L'accès est « coupé » ; $HOME `x`", "It's off", f"{NOW:%Y-%m-%dT%H:%M}", LATER, "", True
    )
    fields = {
        "texte": order.text,
        "anglais": order.english,
        "depuis": order.since,
        "prochaine": LATER,
        "faire": "voir",
    }
    with serve(DeskSources()) as visitor:
        page = visitor.read_page(visitor.post("avis", fields))
        assert quote_command(order) in page.words
        assert "ecrire" not in page.list_values("value", "button")
    words = shlex.split(quote_command(order))
    assert words[0] == "iea-desk"
    assert main([*words[1:], "--folder", str(publisher.folder)]) == 0
    with open_publication(publisher.folder) as publication:
        (notice,) = parse_notices((publication.read_target(NOTICES_FILE) or b"").decode())
    assert notice == order.read_notice(NOW)
