"""The templates of Group Policy: derived from the declaration, in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from iea_agent.domain import settings
from iea_agent.domain.settings import DECLARATIONS
from installer import policy_templates

pytestmark = pytest.mark.linux

XMLNS = {"p": policy_templates.SCHEMA}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Element]:
    """Return the written files, parsed again, by their path below the folder."""
    folder = tmp_path_factory.mktemp("policies")
    return {
        file.relative_to(folder).as_posix(): ElementTree.parse(file).getroot()  # noqa: S314 our own file
        for file in policy_templates.write_templates(folder)
    }


@pytest.fixture(scope="module")
def policies(files: dict[str, Element]) -> dict[str, Element]:
    """Return each policy of the ADMX by the setting that it sets."""
    by_setting = {}
    for policy in files["IEA-Agent.admx"].iterfind(".//p:policies/p:policy", XMLNS):
        section = policy.attrib["key"].rpartition("\\")[2]
        element = policy.find("p:elements/*", XMLNS)
        value = policy.get("valueName") if element is None else element.get("valueName")
        by_setting[f"{section}.{value}"] = policy
    return by_setting


def test_the_files_have_the_names_that_windows_expects(files: dict[str, Element]) -> None:
    assert set(files) == {"IEA-Agent.admx", "fr-FR/IEA-Agent.adml", "en-US/IEA-Agent.adml"}


def test_every_setting_is_a_policy_and_nothing_else_is(policies: dict[str, Element]) -> None:
    assert policies.keys() == DECLARATIONS.keys()
    assert policy_templates.POLICIES.keys() == DECLARATIONS.keys()
    assert policy_templates.SECTIONS.keys() == {name.partition(".")[0] for name in DECLARATIONS}
    assert {policy.get("class") for policy in policies.values()} == {"Machine"}
    assert {policy.attrib["key"].rpartition("\\")[0] for policy in policies.values()} == {
        r"Software\Policies\IEA Agent"
    }


@pytest.mark.parametrize("name", DECLARATIONS)
def test_the_entries_of_a_policy_are_values_of_its_setting(policies: dict[str, Element], name: str) -> None:
    """What the editor can write is what the agent accepts, to the limits."""
    policy, declaration = policies[name], DECLARATIONS[name]
    element = policy.find("p:elements/*", XMLNS)
    if declaration.kind is settings.SWITCH:
        assert element is None
        numbers = [each.attrib["value"] for each in policy.iterfind(".//p:decimal", XMLNS)]
        assert [declaration.check(declaration.convert_entry(int(each))) for each in numbers] == [True, False]
        return
    assert element is not None
    kind = element.tag.removeprefix(f"{{{policy_templates.SCHEMA}}}")
    assert element.get("required") == "true"
    if kind == "decimal":
        least, most = int(element.attrib["minValue"]), int(element.attrib["maxValue"])
        assert [declaration.check(each) for each in (least, most)] == [least, most]
        for number in (least - 1, most + 1):
            with pytest.raises(settings.SettingsError):
                declaration.check(number)
    elif kind == "enum":
        values = [value.text for value in element.iterfind(".//p:string", XMLNS)]
        enum = settings.ProxyMode if declaration.kind is settings.PROXY_MODE else settings.InstallTime
        assert [declaration.check(value) for value in values] == list(enum)
    else:
        assert kind == "text"
        assert (element.get("expandable") == "true") is (declaration.kind in settings.PATHS)
        assert isinstance(declaration.value_in(settings.DEFAULTS), str)


@pytest.mark.parametrize("language", policy_templates.LANGUAGES)
def test_every_reference_leads_somewhere_and_nothing_is_left_over(
    files: dict[str, Element], language: str
) -> None:
    definitions, texts = files["IEA-Agent.admx"], files[f"{language}/IEA-Agent.adml"]
    attributes = [value for element in definitions.iter() for value in element.attrib.values()]
    for table, path in (
        ("string", "p:stringTable/p:string"),
        ("presentation", "p:presentationTable/p:presentation"),
    ):
        referred = {
            match[1] for each in attributes if (match := re.fullmatch(rf"\$\({table}\.(\w+)\)", each))
        }
        assert referred == {each.get("id") for each in texts.iterfind(f"p:resources/{path}", XMLNS)}
    categories = {each.get("name") for each in definitions.iterfind(".//p:category", XMLNS)}
    assert {each.get("ref") for each in definitions.iterfind(".//p:parentCategory", XMLNS)} == categories
    supported = {each.get("name") for each in definitions.iterfind(".//p:definition", XMLNS)}
    assert {each.get("ref") for each in definitions.iterfind(".//p:policy/p:supportedOn", XMLNS)} == supported
    for policy in definitions.iterfind(".//p:policy", XMLNS):
        elements = [each.get("id") for each in policy.iterfind("p:elements/*", XMLNS)]
        presented = texts.findall(f".//p:presentation[@id='{policy.get('name')}']/*", XMLNS)
        assert [each.get("refId") for each in presented] == elements


@pytest.mark.parametrize("language", policy_templates.LANGUAGES)
def test_every_text_is_there_and_set_as_its_language_is(files: dict[str, Element], language: str) -> None:
    texts = {
        each.get("id"): each.text or ""
        for each in files[f"{language}/IEA-Agent.adml"].iterfind(".//p:string", XMLNS)
    }
    assert all(texts.values())
    assert not [text for text in texts.values() if "'" in text or "{" in text]
    if language == "fr-FR":
        assert not [text for text in texts.values() if re.search(r"(?<!\u00a0)[;»?!]|«(?!\u00a0)| :", text)]
    for name, declaration in DECLARATIONS.items():
        explanation = texts[f"{name.replace('.', '_')}_explanation"]
        assert declaration.policy_only is (policy_templates.POLICY_ONLY.speak(language[:2]) in explanation)


def test_the_two_languages_differ_in_words_only(files: dict[str, Element]) -> None:
    french, english = (
        [(each.tag, each.attrib) for each in files[f"{language}/IEA-Agent.adml"].iter()]
        for language in ("fr-FR", "en-US")
    )
    assert french == english


def test_the_command_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert policy_templates.main([str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
