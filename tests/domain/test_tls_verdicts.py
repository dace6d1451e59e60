"""Codes, alerts and reasons of TLS lead to the problem that a person can act on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Certificate
from iea_agent.domain.evidence import CertificateHosts, InterceptedBy, PortalPage
from iea_agent.domain.problems import Group, Problem
from iea_agent.domain.settings import UNMET_PIN
from iea_agent.domain.tls_verdicts import (
    ALERTS,
    CERTIFICATE_CODES,
    OWN_REASONS,
    CertificateVerdict,
    Handshake,
    ServerCertificate,
    TrustedNames,
    covers,
    is_pinned,
    judge_alert,
    judge_certificate,
    judge_handshake,
    judge_second_handshake,
)

LEAF = ServerCertificate(
    Certificate("Urssaf", "Autorité", 1000.0, 2000.0, "00" * 32),
    ("Autorité",),
    self_issued=False,
    hosts=("serveur.example",),
    issuer_name=b"link",
    subject_name=b"leaf",
    names_hosts=True,
)
LINK = replace(
    LEAF,
    certificate=Certificate("Autorité", "Racine", 1000.0, 2000.0, "11" * 32),
    issuer_names=("Racine",),
    issuer_name=b"root",
    subject_name=b"link",
)
TRUSTED = TrustedNames(frozenset({"Autre", "Autorité", "Racine"}), frozenset({b"root"}))
EXPIRED, OF_ANOTHER = problems.CERTIFICATE_EXPIRED, problems.CERTIFICATE_OF_ANOTHER
UNKNOWN, NOTHING = problems.CERTIFICATE_AUTHORITY_UNKNOWN, problems.CERTIFICATE_PROVES_NOTHING
INCOMPLETE, IRREGULAR = problems.CERTIFICATE_CHAIN_INCOMPLETE, problems.CERTIFICATE_IRREGULAR


def judge(
    code: int,
    *chain: ServerCertificate,
    host: str = "serveur.example",
    trusted: TrustedNames = TRUSTED,
    now: float = 1500.0,
) -> CertificateVerdict:
    """The verdict on *chain*, by default the sound one."""
    return judge_certificate(code, chain or (LEAF, LINK), host, lambda: trusted, now)


# --- certificates


def test_every_code_of_openssl_has_its_problem() -> None:
    assert [code for code in range(2, 96) if code not in CERTIFICATE_CODES] == []
    assert {problem.group for problem in CERTIFICATE_CODES.values()} == {
        Group.CERTIFICATE,
        Group.CONFIGURATION,
    }


def test_the_tables_are_those_that_were_written_down() -> None:
    """A row that is changed on purpose is changed in ``tls_tables.txt`` by hand, too."""
    rows = [
        *(
            f"code {code if code < 100 else hex(code)} | {problem}"
            for code, problem in CERTIFICATE_CODES.items()
        ),
        *(f"alert {alert} | {problem}" for alert, problem in ALERTS.items()),
        *(f"reason {reason} | {problem}" for reason, problem in OWN_REASONS.items()),
    ]
    golden = Path(__file__).with_name("tls_tables.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(rows) == golden


def test_no_code_is_listed_twice() -> None:
    by_problem = Counter(CERTIFICATE_CODES.values())
    assert sum(by_problem.values()) == len(CERTIFICATE_CODES)
    assert by_problem[problems.CERTIFICATE_SELF_SIGNED] == 1
    assert by_problem[problems.CERTIFICATE_TOO_WEAK] == 8


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (7, NOTHING),
        (9, problems.CERTIFICATE_NOT_YET_VALID),
        (12, problems.CA_FILE_UNREADABLE),
        (25, IRREGULAR),
        (34, IRREGULAR),
        (47, NOTHING),
        (66, problems.CERTIFICATE_TOO_WEAK),
        (67, problems.CERTIFICATE_TOO_WEAK),
        (68, problems.CERTIFICATE_TOO_WEAK),
        (79, IRREGULAR),
        (0x800B010C, problems.CERTIFICATE_REVOKED),
        (0x800B0104, IRREGULAR),
        (0x800B0111, problems.CERTIFICATE_REFUSED),
        (0x80092013, problems.CERTIFICATE_REFUSED),
        (4711, problems.CERTIFICATE_REFUSED),
        (0x80FFFFFF, problems.CERTIFICATE_REFUSED),
    ],
)
def test_a_code_that_needs_no_second_look(code: int, problem: Problem) -> None:
    verdict = judge(code, now=999.0 if code == 9 else 1500.0)
    assert (verdict.problem, verdict.certificate, verdict.evidence) == (problem, LEAF, None)


def test_only_a_chain_that_ends_too_soon_is_called_incomplete() -> None:
    trusted = TrustedNames(TRUSTED.organisations)
    incomplete = {
        code
        for code in (*CERTIFICATE_CODES, 4711)
        if judge(code, LEAF, trusted=trusted).problem is INCOMPLETE
    }
    assert incomplete == {2, 20, 21, 0x800B010A}


@pytest.mark.parametrize("code", [20, 21, 0x800B010A])
@pytest.mark.parametrize(
    ("chain", "trusted", "problem"),
    [
        # the issuer is not here, and its organisation is trusted
        ((LEAF,), TRUSTED, INCOMPLETE),
        ((LEAF, LINK), TrustedNames(TRUSTED.organisations), INCOMPLETE),
        # an issuer that this PC has, and that did not sign
        ((replace(LEAF, issuer_name=b"root"),), TRUSTED, NOTHING),
        ((LEAF, LINK), TRUSTED, NOTHING),
        # for no server
        ((replace(LEAF, for_servers=False),), TRUSTED, NOTHING),
        # for another server, or too old: that is worse
        ((replace(LEAF, hosts=("autre.example",)),), TRUSTED, OF_ANOTHER),
        ((replace(LEAF, certificate=replace(LEAF.certificate, not_after=1400.0)),), TRUSTED, EXPIRED),
        # strangers
        ((LEAF,), TrustedNames(), UNKNOWN),
        ((LEAF, replace(LINK, self_issued=True, issuer_name=b"link")), TRUSTED, UNKNOWN),
        ((replace(LEAF, self_issued=True),), TRUSTED, problems.CERTIFICATE_SELF_SIGNED),
    ],
)
def test_who_vouches_for_a_certificate(
    code: int, chain: tuple[ServerCertificate, ...], trusted: TrustedNames, problem: Problem
) -> None:
    assert judge(code, *chain, trusted=trusted).problem is problem


def test_a_chain_in_another_order_is_the_same_chain() -> None:
    upper = replace(LINK, subject_name=b"root", issuer_name=b"top")
    assert (
        judge(20, LEAF, upper, LINK, trusted=TrustedNames(frozenset(), frozenset({b"top"}))).problem
        is NOTHING
    )


def test_certificates_that_name_each_other_end() -> None:
    circle = (LEAF, LINK, replace(LINK, subject_name=b"root", issuer_name=b"link"))
    assert judge(20, *circle, trusted=TrustedNames()).problem is UNKNOWN


@pytest.mark.parametrize("code", [9, 10, 0x800B0101])
def test_the_certificate_with_the_wrong_dates_is_the_one_described(code: int) -> None:
    old = replace(LINK, certificate=replace(LINK.certificate, not_after=1400.0))
    future = replace(LINK, certificate=replace(LINK.certificate, not_before=1600.0))
    assert judge(code, LEAF, old) == CertificateVerdict(EXPIRED, old)
    assert judge(code, LEAF, future) == CertificateVerdict(problems.CERTIFICATE_NOT_YET_VALID, future)
    assert judge(code, LEAF, LINK, now=999.0).problem is problems.CERTIFICATE_NOT_YET_VALID
    assert judge(code, LEAF, LINK, now=2001.0) == CertificateVerdict(EXPIRED, LEAF)


@pytest.mark.parametrize("code", [11, 12])
def test_a_list_out_of_date_is_the_files_fault_unless_the_clock_is_wrong(code: int) -> None:
    assert judge(code).problem is problems.CA_FILE_UNREADABLE
    assert judge(code, now=2001.0).problem is EXPIRED
    assert judge(code, now=0.0).problem is problems.CERTIFICATE_NOT_YET_VALID


def test_dates_that_hold_for_all_that_came_are_those_of_the_root() -> None:
    assert judge(10) == CertificateVerdict(EXPIRED, LEAF)


def test_a_common_name_is_no_server_name() -> None:
    bare = replace(LEAF, hosts=(), names_hosts=False, common_name="serveur.example")
    assert judge(62, bare) == CertificateVerdict(IRREGULAR, bare)
    other = replace(bare, common_name="autre.example")
    assert judge(62, other) == CertificateVerdict(OF_ANOTHER, other, CertificateHosts(("autre.example",)))
    both = replace(LEAF, common_name="serveur.example", hosts=("autre.example",))
    assert judge(62, both) == CertificateVerdict(OF_ANOTHER, both, CertificateHosts(("autre.example",)))
    assert judge(62, replace(bare, common_name="")).evidence is None


@pytest.mark.parametrize("code", [62, 0x800B010F])
def test_the_certificate_of_a_known_portal_proves_a_portal(code: int) -> None:
    portal = replace(LEAF, hosts=("wireless.wifirst.net",))
    page = PortalPage("https://wireless.wifirst.net")
    assert judge(code, portal) == CertificateVerdict(problems.CAPTIVE_PORTAL, portal, page)


@pytest.mark.parametrize("code", [26, 0x800B0110])
def test_a_purpose_is_the_servers_or_an_authoritys(code: int) -> None:
    assert judge(code, replace(LEAF, for_servers=False), LINK).problem is NOTHING
    assert judge(code).problem is IRREGULAR


def test_windows_may_mean_a_weak_signature_by_a_wrong_one() -> None:
    assert judge(0x80096004).problem is NOTHING
    assert judge(0x80096004, LEAF, replace(LINK, weak=True)).problem is problems.CERTIFICATE_TOO_WEAK


@pytest.mark.parametrize("code", [18, 19, 20, 66, 79, 7, 4711, 0x800B0109])
def test_an_interceptor_is_named_by_any_name_in_the_chain(code: int) -> None:
    filtered = replace(LINK, issuer_names=("Autorité", "ESET SSL Filter CA"))
    verdict = judge(code, LEAF, filtered)
    assert (verdict.problem, verdict.evidence) == (problems.INTERCEPTED, InterceptedBy("ESET"))


@pytest.mark.parametrize("code", [10, 23, 62])
def test_a_certificate_refused_for_another_problem_is_no_interception(code: int) -> None:
    assert judge(code, replace(LEAF, issuer_names=("Zscaler Inc.",))).problem is not problems.INTERCEPTED


@pytest.mark.parametrize(
    ("pattern", "host", "holds"),
    [
        ("serveur.example", "SERVEUR.example.", True),
        ("*.example", "serveur.example", True),
        ("*.example", "a.serveur.example", False),
        ("*.example", "example", False),
        ("*", "localhost", False),
        ("autre.example", "serveur.example", False),
    ],
)
def test_the_hosts_of_a_certificate(pattern: str, host: str, *, holds: bool) -> None:
    assert covers((pattern,), host) is holds


# --- the handshake


@pytest.mark.parametrize("alert", ALERTS)
@pytest.mark.parametrize("prefix", ["SSLV3_ALERT_", "TLSV1_ALERT_", "TLSV13_ALERT_", "TLSV1_"])
def test_an_alert_is_read_in_every_spelling(alert: str, prefix: str) -> None:
    assert judge_handshake(prefix + alert) is ALERTS[alert]
    assert judge_alert(prefix + alert) is ALERTS[alert]


@pytest.mark.parametrize(
    ("reason", "problem"),
    [
        ("TLSV1_ALERT_INTERNAL_ERROR", problems.HANDSHAKE_REFUSED),
        ("TLSV1_ALERT_NO_APPLICATION_PROTOCOL", problems.HANDSHAKE_REFUSED),
        ("TLSV1_UNRECOGNIZED_NAME", problems.SERVER_NAME_UNKNOWN),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", problems.CLIENT_CERTIFICATE_WANTED),
        ("TLSV1_ALERT_PROTOCOL_VERSION", problems.TLS_TOO_OLD),
        ("TLSV1_ALERT_INSUFFICIENT_SECURITY", problems.NO_COMMON_CIPHER),
        ("UNSAFE_LEGACY_RENEGOTIATION_DISABLED", problems.TLS_TOO_OLD),
        ("SSLV3_ALERT_BAD_RECORD_MAC", problems.TLS_INTERRUPTED),
        ("", problems.TLS_INTERRUPTED),
        ("UNEXPECTED_EOF_WHILE_READING", problems.TLS_INTERRUPTED),
        # neither the network's fault nor the clerk's
        ("UNKNOWN_ERROR", problems.HANDSHAKE_REFUSED),
        ("LENGTH_MISMATCH", problems.HANDSHAKE_REFUSED),
        ("TLSV1_ALERT_ECH_REQUIRED", problems.HANDSHAKE_REFUSED),
    ],
)
def test_what_a_reason_means(reason: str, problem: Problem) -> None:
    assert judge_handshake(reason) is problem


@pytest.mark.parametrize("reason", [*OWN_REASONS, "", "UNKNOWN_ERROR"])
def test_what_openssl_says_itself_is_no_alert(reason: str) -> None:
    assert judge_alert(reason) is None


ASKED = Handshake(certificate_asked=True, refused=True)
GCM, SHA = "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA"


@pytest.mark.parametrize(
    "first", [problems.TLS_INTERRUPTED, problems.NO_COMMON_CIPHER, problems.HANDSHAKE_REFUSED], ids=str
)
@pytest.mark.parametrize(
    ("second", "problem"),
    [
        (ASKED, problems.CLIENT_CERTIFICATE_WANTED),
        (replace(ASKED, completed=True, version="TLSv1.3", cipher=GCM), problems.CLIENT_CERTIFICATE_WANTED),
        # it asked, and goes on without one
        (Handshake(certificate_asked=True, completed=True, version="TLSv1.2", cipher=GCM), None),
        (Handshake(completed=True, version="SSLv3", cipher=SHA), problems.TLS_TOO_OLD),
        (Handshake(completed=True, version="TLSv1", cipher=SHA), problems.TLS_TOO_OLD),
        (Handshake(completed=True, version="TLSv1.1", cipher=SHA), problems.TLS_TOO_OLD),
        (Handshake(completed=True, version="TLSv1.2", cipher=SHA), problems.NO_COMMON_CIPHER),
        (Handshake(completed=True, version="TLSv1.2", cipher=GCM), None),
        (Handshake(refused=True), None),
    ],
)
def test_what_a_second_handshake_tells(first: Problem, second: Handshake, problem: Problem | None) -> None:
    assert judge_second_handshake(first, second, {GCM}) is (problem or first)
    # after a handshake that held, only a certificate of the client can have been wanted
    later = problem if problem is problems.CLIENT_CERTIFICATE_WANTED else problems.ANSWER_CUT
    assert judge_second_handshake(problems.ANSWER_CUT, second, {GCM}) is later


def test_what_was_seen_in_the_second_handshake_is_in_the_details() -> None:
    assert str(Handshake(completed=True, version="TLSv1", cipher=SHA)) == f"TLSv1 {SHA} without our limits"
    assert str(ASKED) == "a client certificate was asked for"
    assert str(Handshake(refused=True)) == "the same again"


@pytest.mark.parametrize(
    ("pins", "is_met"),
    [
        ((), True),
        (("Certigna",), True),
        (("CERTIGNA services ca",), True),
        (("Certigna Services",), False),
        (("Urssaf", "sha256/authority"), True),
        (("sha256/leaf",), True),
        (("sha256/LEAF",), False),
        # the issuer of an authority above says nothing
        (("Dhimyotis",), False),
        (("",), False),
    ],
)
def test_one_pin_is_enough_and_a_name_is_that_of_the_leafs_issuer(
    pins: tuple[str, ...], is_met: bool
) -> None:
    certificate = Certificate("a.fr", "Certigna", 0.0, 1.0, "00")
    leaf = ServerCertificate(certificate, ("Certigna", "Certigna Services CA"), False, key_hash="leaf")
    authority = ServerCertificate(certificate, ("Dhimyotis",), False, key_hash="authority")
    assert is_pinned([leaf, authority], pins) == is_met
    assert is_pinned([], pins) == (not pins)


def test_an_authority_whose_name_looks_like_a_key_meets_no_pin() -> None:
    certificate = Certificate("a.fr", "sha256/?", 0.0, 1.0, "00")
    leaf = ServerCertificate(certificate, (UNMET_PIN, "sha256/abc"), False, key_hash="leaf")
    assert not is_pinned([leaf], (UNMET_PIN,))
    assert not is_pinned([leaf], ("sha256/abc",))
