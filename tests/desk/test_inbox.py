"""A mailbox by problem: repetitions are one, and many at once are an incident."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from iea_agent.domain import problems
from iea_desk.cli import main
from iea_desk.inbox import INCIDENT_PCS, INCIDENT_SPAN, render_inbox, sort_inbox
from iea_desk.inbox_folder import iterate_messages
from iea_desk.request_files import LARGEST_MESSAGE, RequestRefused
from tests.desk.requests import NOW, make_letter, make_mail, pack_report

OUTAGE = problems.SERVER_UNAVAILABLE


def make_outage(number: int, at: float = NOW) -> bytes:
    """Return the mail of one of many who notice an outage."""
    return make_mail("", pack_report(OUTAGE), f"poste{number}@exemple.fr", at)


def make_others() -> dict[str, bytes]:
    """Return mails of other kinds."""
    proxy = make_letter(problems.PROXY_REFUSES).body
    return {
        "proxy 1.eml": make_mail(proxy),
        "proxy 2.eml": make_mail(proxy),
        "sans code.eml": make_mail("Bonjour, rien ne marche.", sender="x@exemple.fr"),
        "mot de passe.eml": make_mail("Merci de m'envoyer le mot de passe du jour", sender="y@exemple.fr"),
        "piege.eml": b"From: a@b.fr\nTo: c@d.fr\n" + b"\n" * 600_000,
    }


def test_it_is_grouped_collapsed_and_an_incident_is_asked_about() -> None:
    mails = {f"{number}.eml": make_outage(number) for number in range(12)} | make_others()
    inbox = sort_inbox(mails.items())
    assert [(group.code, len(group.senders)) for group in inbox.groups] == [
        (OUTAGE.code, 12),
        ("", 2),
        ("IEA-P03", 1),
    ]
    text = render_inbox(inbox, NOW + 200_000)
    assert "16 messages de 15 postes, 3 sujets" in text
    assert "12 postes, même code, depuis le" in text
    assert re.search(r"12 postes, même code, depuis \d+ h \d\d.: incident", render_inbox(inbox, NOW - 3600))
    assert text.count("incident\u00a0?") == 1
    assert "marie@exemple.fr (2 messages)" in text
    assert "et 6 autres" in text
    assert "mot de passe du jour à envoyer\u00a0: 1" in text
    assert "piege.eml\u00a0: Refusé" in text


def test_what_began_at_different_times_or_on_one_pc_is_no_incident() -> None:
    def find(problem: problems.Problem, begins: list[float]) -> tuple[int, float] | None:
        mails = [
            (f"{number}.eml", make_mail(f"({problem.code})", None, f"p{number}@exemple.fr", begin))
            for number, begin in enumerate(begins)
        ]
        return sort_inbox(mails).groups[0].find_incident()

    together = [NOW] * INCIDENT_PCS
    assert find(OUTAGE, together) == (INCIDENT_PCS, NOW)
    assert find(OUTAGE, [NOW - 99_999, *together]) == (INCIDENT_PCS, NOW)
    assert find(OUTAGE, together[1:]) is None
    assert find(OUTAGE, [NOW + number * (INCIDENT_SPAN + 1) for number in range(9)]) is None
    assert find(problems.CLOCK_WRONG, together) is None


def test_a_folder_a_maildir_and_an_mbox_are_read_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mails = [make_outage(number) for number in range(3)]
    folder, maildir, mbox = tmp_path / "dossier", tmp_path / "maildir", tmp_path / "boite.mbox"
    folder.mkdir()
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    for number, mail in enumerate(mails):
        (folder / f"{number}.EML").write_bytes(mail)
        (maildir / ("new" if number else "cur") / f"{number}.host").write_bytes(mail)
    (folder / "notes.txt").write_text("x")
    (maildir / "tmp" / "9.host").write_bytes(mails[0])
    mbox.write_bytes(b"".join(b"From x Mon Nov 30\n" + mail + b"\n\n" for mail in mails))
    groups = []
    for place in (folder, maildir, mbox):
        assert main(["inbox", str(place), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        groups.append(
            [(each["code"], sorted(each["senders"]), each["incident"]) for each in document["groups"]]
        )
        assert document["refused"] == []
    assert groups[0] == groups[1] == groups[2]
    assert groups[0][0][2] == {"pcs": 3, "since": NOW - 3600}


def test_messages_without_a_code_are_named_by_that_alone() -> None:
    inbox = sort_inbox([("1", make_mail("Merci.", pack_report(None))), ("2", make_mail("Au secours"))])
    assert [group.title for group in inbox.groups] == ["Sans code de problème"]


def test_what_is_no_mailbox_is_refused_and_a_huge_message_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "x.doc"
    other.write_bytes(b"\0" * 1000)
    with pytest.raises(RequestRefused):
        list(iterate_messages(other))
    mbox = tmp_path / "boite.mbox"
    mail = make_outage(1)
    mbox.write_bytes(b"From x\n" + b"y" * (LARGEST_MESSAGE + 1) + b"\n\nFrom x\n" + mail)
    assert [data for _name, data in iterate_messages(mbox)] == [None, mail]
    assert main(["inbox", str(mbox)]) == 0
    assert "message n° 1\u00a0: Trop gros" in capsys.readouterr().out
    assert main(["inbox", str(tmp_path / "absent")]) == 1
    assert "Il n’y a ni dossier ni fichier" in capsys.readouterr().err
    assert main(["read", str(tmp_path)]) == 1
    assert "iea-desk inbox" in capsys.readouterr().err
