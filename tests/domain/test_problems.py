"""The catalogue is complete, has one name for each problem, and no circles."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter

import pytest

from iea_agent.domain import problems
from iea_agent.domain.problems import CATALOGUE, LOST_CONNECTION_PATIENCE, Actor, Group, Problem, Severity

CONSTANTS = {name: value for name, value in vars(problems).items() if isinstance(value, Problem)}
EVERY = pytest.mark.parametrize("problem", CATALOGUE.values(), ids=list(CATALOGUE))


def utf16(text: str) -> int:
    """The length that Windows counts."""
    return len(text.encode("utf-16-le")) // 2


def test_every_problem_of_the_catalogue_has_one_name() -> None:
    named = [problem for problem in CONSTANTS.values() if not problem.is_variant]
    assert set(named) == set(CATALOGUE.values())
    assert len(named) == len(CATALOGUE)


def test_a_variant_differs_in_its_words_only() -> None:
    variants = [problem for problem in CONSTANTS.values() if problem.is_variant]
    assert variants
    for problem in variants:
        usual = CATALOGUE[problem.code]
        assert (problem.title, problem.severity, problem.retry) == (usual.title, usual.severity, usual.retry)
        assert problem.text != usual.text


def test_a_code_is_declared_once() -> None:
    with pytest.raises(ValueError, match="IEA-N02"):
        Problem("IEA-N02", Severity.LOW, Actor.YOU, "", "", "")


@EVERY
def test_an_entry_is_complete(problem: Problem) -> None:
    assert re.fullmatch(r"IEA-[CNPTSAUL]\d\d", problem.code)
    assert problem.title
    assert not problem.title.endswith(".")
    assert problem.text.endswith(".")
    assert problem.advice.endswith(".")
    assert isinstance(problem.severity, Severity)
    assert problem.patience in (0.0, LOST_CONNECTION_PATIENCE)


@EVERY
def test_a_title_fits_a_balloon(problem: Problem) -> None:
    assert utf16(problem.title) <= 63


@EVERY
def test_a_consequence_depends_on_problems_that_exist(problem: Problem) -> None:
    assert set(problem.depends_on) <= set(CATALOGUE.values())


def test_no_problem_explains_itself_in_a_circle() -> None:
    order = TopologicalSorter({problem: problem.depends_on for problem in CATALOGUE.values()})
    assert set(order.static_order()) == set(CATALOGUE.values())


def test_titles_are_told_apart() -> None:
    assert len({problem.title for problem in CATALOGUE.values()}) == len(CATALOGUE)


def test_everybody_who_can_act_has_a_sentence() -> None:
    assert set(problems.ACTORS) == set(Actor)


def test_the_two_refusals_are_named_as_in_the_practical_sheet() -> None:
    assert problems.AUTHORISATION_REFUSED.title == "Serveur d'authentification / Autorisation refusée"
    assert problems.LICENCE_NOT_RECOGNISED.title == "Licence d'installation non reconnue"
    refusals = {problem for problem in CATALOGUE.values() if problem.is_refusal}
    assert refusals == {problems.AUTHORISATION_REFUSED, problems.LICENCE_NOT_RECOGNISED}


def test_a_clear_answer_needs_no_patience_and_a_lost_connection_ten_seconds() -> None:
    at_once = {problem for problem in CATALOGUE.values() if problem.patience == 0}
    assert at_once >= {
        problems.AUTHORISATION_REFUSED,
        problems.LICENCE_NOT_RECOGNISED,
        problems.NOT_CONFIGURED,
        problems.NOT_AN_AUTHENTICATION_SERVER,
    }
    for problem in (
        problems.NO_NETWORK,
        problems.NAME_SERVER_SILENT,
        problems.CONNECTION_UNANSWERED,
        problems.SERVER_UNAVAILABLE,
    ):
        assert problem.patience == LOST_CONNECTION_PATIENCE == 10.0


def test_a_certificate_is_no_verdict_in_the_grace() -> None:
    """A portal, a clock that is not set yet or a filter may stand behind it."""
    refused = [problem for problem in CATALOGUE.values() if problem.group is Group.CERTIFICATE]
    assert {problem.patience for problem in (*refused, problems.CLOCK_WRONG)} == {LOST_CONNECTION_PATIENCE}


def test_what_answers_in_place_of_the_server_explains_its_certificate() -> None:
    cut = {problems.CONNECTION_REFUSED, problems.CONNECTION_UNANSWERED, problems.CONNECTION_CUT}
    refused = {problem for problem in CATALOGUE.values() if problem.group is Group.CERTIFICATE}
    # these two come from the server that was meant
    for problem in cut | refused - {problems.CLIENT_CERTIFICATE_WANTED, problems.CERTIFICATE_REVOKED}:
        assert {problems.CAPTIVE_PORTAL, problems.NAME_BLOCKED} <= set(problem.depends_on), problem


@pytest.mark.parametrize(
    ("problem", "causes"),
    [
        (problems.CAPTIVE_PORTAL, "N01"),
        (problems.PROXY_NEEDED, "N01"),
        (problems.PROXY_UNREACHABLE, "N01"),
        (problems.PROXY_SCRIPT_UNUSABLE, "N01 N07 N08"),
        (problems.NAME_UNKNOWN, "N01 N07 N08 P07 P06"),
        (problems.CONNECTION_UNANSWERED, "N01 N07 N08 P07 P06"),
        (problems.TLS_INTERRUPTED, "N01 N07 N08 P07 P06"),
        (problems.CERTIFICATE_EXPIRED, "L02 N07 N08"),
        (problems.CERTIFICATE_NOT_YET_VALID, "L02 N07 N08"),
        (problems.CERTIFICATE_OF_ANOTHER, "N07 N08"),
        (problems.METADATA_EXPIRED, "L02"),
        (problems.REDIRECTED, "N07"),
        (problems.CLOCK_WRONG, ""),
        (problems.SERVER_UNAVAILABLE, ""),
    ],
    ids=str,
)
def test_what_explains_a_problem_and_is_shown_in_its_stead(problem: Problem, causes: str) -> None:
    assert [cause.code for cause in problem.depends_on] == [f"IEA-{code}" for code in causes.split()]


def test_no_other_address_or_way_is_looked_for_where_none_can_help() -> None:
    repairable = {problem for problem in CONSTANTS.values() if problem.repairable}
    assert not repairable & {
        problems.NO_NETWORK,
        problems.CAPTIVE_PORTAL,
        problems.NOT_CONFIGURED,
        problems.VAULT_UNAVAILABLE,
        problems.CA_FILE_UNREADABLE,
        problems.METADATA_INCOMPLETE,
        problems.UPDATE_FILE_ALTERED,
        problems.UPDATE_FILE_MISSING,
        problems.UPDATE_FILE_UNKNOWN,
        problems.DISK_TOO_FULL,
        problems.UPDATES_WITHOUT_ROOT,
        problems.INTERNAL_ERROR,
        problems.FOLDER_UNUSABLE,
        problems.OTHER_PROGRAM,
    }
    assert repairable > {problems.CONNECTION_UNANSWERED, problems.ADDRESS_MALFORMED, problems.PROXY_NEEDED}


def test_the_pages_stand_by_group_then_by_code() -> None:
    groups = [list(Group).index(problem.group) for problem in CATALOGUE.values()]
    assert groups == sorted(groups)
    for group in Group:
        codes = [problem.code for problem in CATALOGUE.values() if problem.group is group]
        assert codes == sorted(codes) != []


def test_the_address_of_the_support_is_the_one_in_the_advice() -> None:
    mentioned = set(re.findall(r"[\w.-]+@[\w.-]+\w", "".join(entry.advice for entry in CATALOGUE.values())))
    assert mentioned == {problems.SUPPORT_ADDRESS}
