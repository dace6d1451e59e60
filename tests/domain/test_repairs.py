"""Repairs: the sheets' procedures, other addresses and routes, nothing weaker."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iea_agent.domain import addresses, problems
from iea_agent.domain.diagnosis import Failure, Server, ServerReport, Stage
from iea_agent.domain.repairs import ADDRESSES, Repair, RepairKind, add_proxy_findings, propose_repairs
from iea_agent.domain.settings import DEFAULTS, ProxyMode, Settings
from tests.covered import cover, covers

AUTH, UPDATES = Server.AUTHENTICATION, Server.UPDATES
REFUSED = Failure(Stage.CONNECTION, problems.CONNECTION_REFUSED)


def report(server: Server, failure: Failure | None = None, route: str = "direct") -> ServerReport:
    return ServerReport(server, "https://a.fr", (), failure, route=route)


def of_both(auth: Failure | None, updates: Failure | None = None) -> tuple[ServerReport, ...]:
    return report(AUTH, auth), report(UPDATES, updates)


def of(kind: RepairKind, repairs: tuple[Repair, ...]) -> Repair:
    return next(repair for repair in repairs if repair.kind is kind)


def kinds(repairs: tuple[Repair, ...]) -> list[RepairKind]:
    return [repair.kind for repair in repairs]


def test_the_sheet_on_secure_mode_is_one_repair() -> None:
    """« cochez la case Sécurisé »: https in both addresses, without the port 80."""
    settings = replace(
        DEFAULTS,
        secure=False,
        authentication="http://iea.exemple.fr",
        updates="http://iea.exemple.fr:8080/updates",
    )
    repairs = propose_repairs(settings, of_both(Failure(Stage.ADDRESS, problems.SENT_IN_CLEAR)))
    assert of(RepairKind.SECURE_MODE, repairs).apply_to(settings) == replace(
        settings,
        secure=True,
        authentication="https://iea.exemple.fr",
        updates="https://iea.exemple.fr:8080/updates",
    )


def test_port_80_behind_https_goes_from_both_addresses_in_one_repair() -> None:
    settings = replace(
        DEFAULTS, authentication="https://iea.exemple.fr:80", updates="https://iea.exemple.fr:80/updates"
    )
    without_tls = Failure(Stage.CERTIFICATE, problems.PORT_WITHOUT_TLS)
    repair = of(RepairKind.USUAL_PORT, propose_repairs(settings, of_both(without_tls, without_tls)))
    assert repair.changes == {
        "authentication": "https://iea.exemple.fr",
        "updates": "https://iea.exemple.fr/updates",
    }
    assert repair.servers == (AUTH, UPDATES)
    assert repair.narrow_to([UPDATES]) == Repair(
        RepairKind.USUAL_PORT, {"updates": "https://iea.exemple.fr/updates"}, (UPDATES,)
    )


def test_a_repair_concerns_the_servers_whose_address_it_changes() -> None:
    settings = replace(
        DEFAULTS, authentication="https://iea.exemple.fr:80", updates="https://iea.exemple.fr/updates"
    )
    repair = of(RepairKind.USUAL_PORT, propose_repairs(settings, of_both(REFUSED, REFUSED)))
    assert repair.servers == (AUTH,)


def test_secure_mode_is_for_a_server_that_is_asked_without_https() -> None:
    settings = replace(
        DEFAULTS, secure=False, authentication="https://iea.exemple.fr", updates="http://iea.exemple.fr"
    )
    assert RepairKind.SECURE_MODE not in kinds(propose_repairs(settings, of_both(REFUSED)))
    assert of(RepairKind.SECURE_MODE, propose_repairs(settings, of_both(None, REFUSED))).servers == (UPDATES,)


def test_no_other_way_is_offered_to_an_address_that_cannot_be_used() -> None:
    malformed = Failure(Stage.ADDRESS, problems.ADDRESS_MALFORMED)
    by_proxy = replace(DEFAULTS, authentication="pas une adresse", proxy_mode=ProxyMode.NONE)
    reports = [report(AUTH, malformed, route="")]
    assert kinds(propose_repairs(by_proxy, reports)) == [RepairKind.OFFICIAL_ADDRESS]


def test_the_other_address_lends_its_port() -> None:
    settings = replace(
        DEFAULTS, authentication="https://iea.exemple.fr", updates="https://iea.exemple.fr:8443/updates"
    )
    repair = of(RepairKind.SAME_PORT, propose_repairs(settings, of_both(REFUSED)))
    assert repair.changes == {"authentication": "https://iea.exemple.fr:8443"}


@pytest.mark.parametrize(("route", "offered"), [("", True), ("http://proxy:3128", True), ("direct", False)])
def test_without_the_proxy_is_tried_where_another_way_was_taken_or_none_found(
    route: str, offered: bool
) -> None:
    failure = Failure(Stage.PROXY, problems.PROXY_SCRIPT_UNUSABLE, "WinHTTP error 12167")
    repairs = propose_repairs(DEFAULTS, [report(server, failure, route) for server in Server])
    assert [repair.changes for repair in repairs if repair.kind is RepairKind.DIRECT] == (
        [{"proxy_mode": ProxyMode.NONE}] if offered else []
    )


def test_the_official_address_is_the_policys() -> None:
    settings = replace(
        DEFAULTS, authentication="https://iea.exmple.fr", official_authentication="https://iea.exemple.fr"
    )
    repair = of(
        RepairKind.OFFICIAL_ADDRESS,
        propose_repairs(settings, of_both(Failure(Stage.NAME, problems.NAME_UNKNOWN))),
    )
    assert repair.changes == {"authentication": "https://iea.exemple.fr"}


def test_other_ways() -> None:
    unanswered = Failure(Stage.CONNECTION, problems.CONNECTION_UNANSWERED)
    assert kinds(propose_repairs(DEFAULTS, of_both(unanswered))) == [RepairKind.IPV4_ONLY]
    by_none = replace(DEFAULTS, proxy_mode=ProxyMode.NONE)
    assert kinds(propose_repairs(by_none, of_both(unanswered))) == [
        RepairKind.SYSTEM_PROXY,
        RepairKind.IPV4_ONLY,
    ]
    by_proxy = (
        report(AUTH, Failure(Stage.PROXY, problems.PROXY_UNREACHABLE), "http://proxy:3128"),
        report(UPDATES),
    )
    repairs = propose_repairs(DEFAULTS, by_proxy)
    assert of(RepairKind.DIRECT, repairs) == Repair(
        RepairKind.DIRECT, {"proxy_mode": ProxyMode.NONE}, (AUTH,)
    )


@pytest.mark.parametrize(
    "failure",
    [
        None,
        Failure(Stage.LICENCE, problems.LICENCE_NOT_RECOGNISED),
        Failure(Stage.NAME, problems.NO_NETWORK),
        Failure(Stage.CERTIFICATE, problems.CA_FILE_UNREADABLE),
    ],
)
def test_what_no_setting_repairs_is_left_alone(failure: Failure | None) -> None:
    assert (
        propose_repairs(replace(DEFAULTS, authentication="https://iea.exemple.fr:80"), of_both(failure)) == ()
    )


def test_an_update_server_that_was_reached_needs_no_other_way() -> None:
    settings = replace(DEFAULTS, updates="https://iea.exemple.fr:80")
    reached = Failure(Stage.METADATA, problems.METADATA_NOT_AUTHENTIC)
    assert propose_repairs(settings, of_both(None, reached)) == ()


def test_behind_a_portal_nothing_is_offered() -> None:
    portal = Failure(Stage.CONNECTION, problems.CAPTIVE_PORTAL)
    reports = (
        replace(
            report(AUTH, Failure(Stage.CERTIFICATE, problems.CERTIFICATE_OF_ANOTHER)), findings=(portal,)
        ),
    )
    assert propose_repairs(DEFAULTS, reports) == ()


def test_what_the_administrator_has_fixed_stays() -> None:
    settings = replace(
        DEFAULTS, authentication="https://iea.exemple.fr:80", updates="https://iea.exemple.fr:80/updates"
    )
    repairs = propose_repairs(
        settings, of_both(REFUSED, REFUSED), frozenset({"authentication", "proxy_mode", "ipv4_only"})
    )
    assert [dict(repair.changes) for repair in repairs] == [
        {"updates": "https://iea.exemple.fr/updates"},
        {"updates": addresses.OFFICIAL_UPDATES},
    ]


def test_a_proxy_that_works_where_the_direct_way_does_not_is_needed() -> None:
    by_proxy = Repair(RepairKind.SYSTEM_PROXY, {"proxy_mode": ProxyMode.SYSTEM}, (AUTH,))
    auth, updates = add_proxy_findings(
        of_both(Failure(Stage.CONNECTION, problems.CONNECTION_UNANSWERED)), [by_proxy]
    )
    assert auth.cause is not None
    assert auth.cause.problem is problems.PROXY_NEEDED
    assert updates.cause is None
    direct = replace(by_proxy, kind=RepairKind.DIRECT)
    assert add_proxy_findings(of_both(REFUSED), [direct]) == of_both(REFUSED)


def test_that_a_proxy_is_needed_stands_beside_what_else_was_noticed() -> None:
    clock = Failure(Stage.ANSWER, problems.CLOCK_WRONG)
    noticed = replace(report(AUTH, REFUSED), findings=(clock,))
    by_proxy = Repair(RepairKind.SYSTEM_PROXY, {"proxy_mode": ProxyMode.SYSTEM}, (AUTH,))
    (after,) = add_proxy_findings([noticed], [by_proxy])
    assert after.findings == (clock, Failure(Stage.PROXY, problems.PROXY_NEEDED))


TEXTS = st.sampled_from(
    [
        "https://a.fr",
        "http://a.fr",
        "https://a.fr:80",
        "http://a.fr:8080/x",
        "https://[::1]:8443",
        "pas une adresse",
    ]
)
REPAIRABLE = [problem for problem in problems.CATALOGUE.values() if problem.repairable]
FAILURES = (
    st.none()
    | st.builds(Failure, st.sampled_from(Stage), st.sampled_from(list(problems.CATALOGUE.values())))
    # more often what a repair may help
    | st.builds(Failure, st.sampled_from([Stage.NAME, Stage.CONNECTION]), st.sampled_from(REPAIRABLE))
)
ROUTES = st.sampled_from(["direct", "http://p:3128", ""])


@covers(*RepairKind, "none")
@example(
    replace(DEFAULTS, authentication="https://a.fr", updates="https://a.fr:80"), of_both(REFUSED), frozenset()
)
@example(DEFAULTS, (report(AUTH, REFUSED, "http://p:3128"),), frozenset())
@given(
    settings=st.builds(
        Settings,
        secure=st.booleans(),
        authentication=TEXTS,
        updates=TEXTS,
        ipv4_only=st.booleans(),
        proxy_mode=st.sampled_from(ProxyMode),
    ),
    reports=st.tuples(
        st.builds(report, st.just(AUTH), FAILURES, ROUTES),
        st.builds(report, st.just(UPDATES), FAILURES, ROUTES),
    ),
    locked=st.frozensets(st.sampled_from(["secure", "authentication", "updates", "proxy_mode", "ipv4_only"])),
)
def test_no_repair_weakens_anything(
    settings: Settings, reports: tuple[ServerReport, ...], locked: frozenset[str]
) -> None:
    proposed = propose_repairs(settings, reports, locked)
    cover(*(repair.kind for repair in proposed), *(() if proposed else ("none",)))
    for repair in proposed:
        after = repair.apply_to(settings)
        assert not locked & set(repair.changes)
        assert after != settings
        assert repair.servers
        assert (after.secure, after.ca_file, after.licence_number) == (
            settings.secure or repair.kind is RepairKind.SECURE_MODE,
            settings.ca_file,
            settings.licence_number,
        )
        for name in ADDRESSES.values():
            if getattr(settings, name).startswith("https:"):
                assert getattr(after, name).startswith("https:")


@pytest.mark.parametrize("only", [True, False])
def test_ipv4_alone_is_tried_without_and_ipv6_with_it(only: bool) -> None:
    settings = replace(DEFAULTS, ipv4_only=only)
    failed = of_both(Failure(Stage.NAME, problems.NAME_WITHOUT_IPV4))
    kind, other = (RepairKind.IPV6_TOO, RepairKind.IPV4_ONLY)[:: 1 if only else -1]
    repairs = propose_repairs(settings, failed)
    assert of(kind, repairs).apply_to(settings).ipv4_only is not only
    assert other not in kinds(repairs)
    assert kind not in kinds(propose_repairs(settings, failed, frozenset({"ipv4_only"})))


def test_a_proxy_that_is_needed_is_named_once() -> None:
    needed = Failure(Stage.PROXY, problems.PROXY_NEEDED)
    named = replace(report(AUTH, REFUSED), findings=(needed,))
    repair = Repair(RepairKind.SYSTEM_PROXY, {"proxy_mode": ProxyMode.SYSTEM}, (AUTH, UPDATES))
    reports = add_proxy_findings([named, report(UPDATES, REFUSED)], [repair])
    assert [each.findings for each in reports] == [(needed,), (needed,)]
