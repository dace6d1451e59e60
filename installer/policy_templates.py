"""Templates for Group Policy: one ADMX, and its texts in French and English.

``python -m installer.policy_templates`` writes them into ``build/installer/policies``. Each policy is one setting of
``domain/settings.py`` and sets what ``host/policy_registry.py`` reads: key, name, type, limits and default come from the declaration. Only the
words stand here. Copy the folder's content to ``PolicyDefinitions`` of the domain (docs/administration.md).
"""

from __future__ import annotations

import gettext
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from iea_agent import locale
from iea_agent.domain import settings
from iea_agent.domain.settings import DECLARATIONS, DEFAULTS, Declaration
from iea_agent.host import policy_registry
from iea_agent.host.storage import APPLICATION

FILE_NAME = "IEA-Agent"
SCHEMA = "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions"
NAMESPACE = "ImpactEmploiAssociation.Policies.ConnectionAgent"
LONGEST_TEXT = 4096
"""Characters of a text in the editor; the settings' own limits are smaller."""


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages."""

    french: str
    english: str

    def speak(self, language: str) -> str:
        """Return the text in *language*, with typographic apostrophes."""
        return (self.french if language == "fr" else self.english).replace("'", "’")


@dataclass(frozen=True, slots=True)
class PolicyText:
    """How the editor calls a setting, and what it says about it."""

    title: Words
    explanation: Words


LANGUAGES: Mapping[str, str] = {"fr-FR": "fr", "en-US": "en"}
"""The folders of the texts, and the language of each."""
PROGRAM = Words("IEA Agent (programme de connexion)", "IEA Agent (connection program)")
SUPPORTED = Words("IEA Agent 0.1.0 ou plus récent", "IEA Agent 0.1.0 or later")
SECTIONS: Mapping[str, Words] = {
    "connection": Words("Connexion", "Connection"),
    "updates": Words("Mises à jour", "Updates"),
    "licence": Words("Licence", "Licence"),
    "proxy": Words("Proxy", "Proxy"),
    "program": Words("Impact emploi", "Impact emploi"),
    "assistance": Words("Mode assistance", "Assistance mode"),
    "support": Words("Demande de support", "Request for support"),
    "deadline": Words("Échéances", "Due dates"),
}
POLICIES: Mapping[str, PolicyText] = {
    "connection.secure": PolicyText(
        Words("Mode sécurisé (https)", "Secure mode (https)"),
        Words("Les adresses des deux serveurs sont en https.", "The addresses of both servers are https."),
    ),
    "connection.authentication": PolicyText(
        Words("Adresse du serveur d'authentification", "Address of the authentication server"),
        Words("Le serveur qui reconnaît la licence.", "The server that recognises the licence."),
    ),
    "connection.updates": PolicyText(
        Words("Adresse du serveur de mise à jour", "Address of the update server"),
        Words("Le dossier des mises à jour signées.", "The folder of the signed updates."),
    ),
    "connection.ca_file": PolicyText(
        Words("Autorités de certification en plus", "Further certificate authorities"),
        Words(
            "Un fichier PEM d'autorités acceptées en plus de celles de Windows. Seuls les administrateurs doivent pouvoir le modifier, ainsi que son dossier.",
            "A PEM file of authorities that are accepted besides those of Windows. Only administrators may be able to change it and its folder.",
        ),
    ),
    "connection.pins": PolicyText(
        Words("Certificats exigés", "Certificates demanded"),
        Words(
            "Un émetteur ou une clé que le certificat des deux serveurs doit avoir en plus. "
            "Mettez-en toujours deux : sans la nouvelle valeur, un renouvellement coupe tous les postes.",
            "An issuer or a key that the certificate of both servers must have besides. Always name two: without the new value a renewal cuts off every PC.",
        ),
    ),
    "connection.scope": PolicyText(
        Words("Droit demandé (scope)", "Right to ask for (scope)"),
        Words(
            "Si le serveur d'authentification l'exige ; vide d'habitude.",
            "If the authentication server needs it; usually empty.",
        ),
    ),
    "connection.token_hosts": PolicyText(
        Words("Autres serveurs qui reçoivent la clé de licence", "Other servers that get the licence key"),
        Words(
            "La clé ne va qu'au serveur d'authentification, et à ceux-ci.",
            "The key goes to the authentication server only, and to these.",
        ),
    ),
    "connection.ipv4_only": PolicyText(
        Words("IPv4 seulement", "IPv4 only"),
        Words("Si l'IPv6 de ce réseau ne mène nulle part.", "If this network's IPv6 leads nowhere."),
    ),
    "connection.official_authentication": PolicyText(
        Words(
            "Adresse officielle du serveur d'authentification",
            "Official address of the authentication server",
        ),
        Words(
            "L'adresse qu'une correction proposée peut remettre en place.",
            "The address that a proposed repair may put back.",
        ),
    ),
    "connection.official_updates": PolicyText(
        Words("Adresse officielle du serveur de mise à jour", "Official address of the update server"),
        Words(
            "L'adresse qu'une correction proposée peut remettre en place.",
            "The address that a proposed repair may put back.",
        ),
    ),
    "updates.folder": PolicyText(
        Words("Dossier partagé des mises à jour", "Shared folder of the updates"),
        Words(
            "Un poste y laisse les fichiers qu'il a vérifiés, les autres les y prennent. Chacun les vérifie de nouveau.",
            "One PC leaves there the files that it has verified, the others take them. Each verifies them again.",
        ),
    ),
    "updates.check": PolicyText(
        Words("Recherche automatique des mises à jour", "Looking for updates by itself"),
        Words(
            "Le programme demande une fois par jour au serveur quelles versions sont proposées.",
            "Once a day the program asks the server which versions are on offer.",
        ),
    ),
    "updates.download": PolicyText(
        Words("Téléchargement automatique des mises à jour", "Downloading updates by itself"),
        Words(
            "Une version proposée est téléchargée et vérifiée avant que quelqu'un le demande. "
            "Ce que devient le fichier dépend de « Installation des mises à jour ».",
            "A version on offer is downloaded and verified before anybody asks. What becomes of the file depends on “Installing updates”.",
        ),
    ),
    "updates.install": PolicyText(
        Words("Installation des mises à jour", "Installing updates"),
        Words(
            "La nuit (entre 1 h et 5 h), seule une version qui ne demande pas d'administrateur est installée, si Impact emploi est fermé. "
            "Pour les autres, le guide de l'administrateur donne une tâche planifiée.",
            "At night (between 1 and 5), only a version that needs no administrator is installed, if Impact emploi is closed. "
            "For the others the administrator’s guide has a scheduled task.",
        ),
    ),
    "licence.number": PolicyText(
        Words("Numéro de licence d'installation", "Number of the installation's licence"),
        Words(
            "La clé n'est pas une stratégie : elle reste dans le coffre-fort de chaque poste (« iea-agent licence set »).",
            "The key is no policy: it stays in the vault of each PC (“iea-agent licence set”).",
        ),
    ),
    "proxy.mode": PolicyText(
        Words("Usage du proxy", "Use of a proxy"),
        Words("Par où le programme sort sur Internet.", "The way to the internet."),
    ),
    "proxy.address": PolicyText(
        Words("Adresse du proxy", "Address of the proxy"),
        Words("Pour l'usage « manual ».", "For the use “manual”."),
    ),
    "proxy.user": PolicyText(
        Words("Nom d'utilisateur du proxy", "User name for the proxy"),
        Words(
            "Le mot de passe n'est pas une stratégie : il reste dans le coffre-fort de chaque poste (« iea-agent proxy set »).",
            "The password is no policy: it stays in the vault of each PC (“iea-agent proxy set”).",
        ),
    ),
    "proxy.bypass": PolicyText(
        Words("Serveurs joints sans proxy", "Hosts reached without the proxy"),
        Words("« * » remplace des caractères quelconques.", "“*” stands for any characters."),
    ),
    "program.path": PolicyText(
        Words("Emplacement d'Impact emploi", "Place of Impact emploi"),
        Words("Pour « Lancer Impact emploi ».", "For “Lancer Impact emploi”."),
    ),
    "assistance.maximum_days": PolicyText(
        Words("Durée maximale du mode assistance", "Longest time in assistance mode"),
        Words(
            "Au bout de ce nombre de jours, le mode assistance se termine sans mot de passe.",
            "After so many days assistance mode ends without a password.",
        ),
    ),
    "support.address": PolicyText(
        Words("Adresse de l'assistance", "Address of the support desk"),
        Words("À qui « Écrire à l'assistance » écrit.", "To whom a message to support is written."),
    ),
    "support.subject": PolicyText(
        Words("Objet des messages à l'assistance", "Subject of messages to support"),
        Words("L'objet du message préparé.", "The subject of the message that is prepared."),
    ),
    "deadline.check": PolicyText(
        Words("Test avant les échéances de la DSN", "Test before the due dates of the declaration"),
        Words(
            "Un test discret des serveurs, les deux jours ouvrés avant le 5 et le 15.",
            "A quiet test of the servers on the two working days before the 5th and the 15th.",
        ),
    ),
    "support.hidden": PolicyText(
        Words("Mots masqués dans le fichier pour l'assistance", "Words hidden in the file for support"),
        Words(
            "Des noms propres à ce lieu, séparés par « ; ».",
            "Names that only this place has, separated by “;”.",
        ),
    ),
}
"""The words of each setting, by its name in ``DECLARATIONS``."""

PROXY_MODES: Mapping[settings.ProxyMode, Words] = {
    settings.ProxyMode.SYSTEM: Words("Celui de Windows (system)", "That of Windows (system)"),
    settings.ProxyMode.NONE: Words("Aucun (none)", "None (none)"),
    settings.ProxyMode.MANUAL: Words("L'adresse fixée (manual)", "The address that is set (manual)"),
}
INSTALL_TIMES: Mapping[settings.InstallTime, Words] = {
    settings.InstallTime.CLICK: Words("Par un clic de l'utilisateur (click)", "By a person's click (click)"),
    settings.InstallTime.NIGHT: Words("La nuit (night)", "At night (night)"),
}
CHOICES: Mapping[str, Mapping[settings.ProxyMode, Words] | Mapping[settings.InstallTime, Words]] = {
    "proxy_mode": PROXY_MODES,
    "install_time": INSTALL_TIMES,
}
"""The values of each setting that has a few, by the beginning of their names in the files."""
ENABLED_IS = Words("Activé : {expected}. D'origine : {default}.", "Enabled: {expected}. Default: {default}.")
SWITCH_IS = Words(
    "Activé : oui. Désactivé : non. D'origine : {default}.", "Enabled: yes. Disabled: no. Default: {default}."
)
POLICY_ONLY = Words("L'utilisateur ne peut pas fixer ce paramètre.", "A person cannot set this for himself.")
NOT_CONFIGURED = Words(
    "Non configuré : policy.toml décide, sinon l'utilisateur.",
    "Not configured: policy.toml decides, else the person.",
)
NOT_ENABLED = Words(
    "Désactivé ou non configuré : policy.toml décide, sinon l'utilisateur.",
    "Disabled or not configured: policy.toml decides, else the person.",
)
NOTHING = Words("vide", "empty")
DEFAULT_SWITCH = {True: Words("activé", "enabled"), False: Words("désactivé", "disabled")}


# The elements of a policy, by the kind of its setting


def _add_number(elements: Element, identifier: str, name: str) -> None:
    limits = {"minValue": "0", "maxValue": str(settings.MOST_DAYS)}
    SubElement(elements, "decimal", id=identifier, valueName=name, required="true", attrib=limits)


def _add_choice(kind: str, elements: Element, identifier: str, name: str) -> None:
    choice = SubElement(elements, "enum", id=identifier, valueName=name, required="true")
    for value in CHOICES[kind]:
        item = SubElement(choice, "item", displayName=_refer(f"{kind}_{value.value}"))
        SubElement(SubElement(item, "value"), "string").text = value.value


def _add_text(elements: Element, identifier: str, name: str) -> None:
    SubElement(elements, "text", id=identifier, valueName=name, required="true", maxLength=str(LONGEST_TEXT))


def _add_path(elements: Element, identifier: str, name: str) -> None:
    _add_text(elements, identifier, name)
    elements[-1].set("expandable", "true")


def _show_number(presentation: Element, identifier: str, label: str) -> None:
    SubElement(presentation, "decimalTextBox", refId=identifier, defaultValue="0").text = label


def _show_choice(presentation: Element, identifier: str, label: str) -> None:
    SubElement(presentation, "dropdownList", refId=identifier, noSort="true", defaultItem="0").text = label


def _show_text(presentation: Element, identifier: str, label: str) -> None:
    SubElement(SubElement(presentation, "textBox", refId=identifier), "label").text = label


Step = Callable[[Element, str, str], None]
_SPECIAL: Mapping[object, tuple[Step, Step]] = {
    settings.DAYS: (_add_number, _show_number),
    settings.PROXY_MODE: (partial(_add_choice, "proxy_mode"), _show_choice),
    settings.INSTALL_TIME: (partial(_add_choice, "install_time"), _show_choice),
    **dict.fromkeys(settings.PATHS, (_add_path, _show_text)),
}


def _choose_steps(declaration: Declaration) -> tuple[Step, Step]:
    return _SPECIAL.get(declaration.kind, (_add_text, _show_text))


def _is_switch(declaration: Declaration) -> bool:
    return declaration.kind is settings.SWITCH


# Names


def _identify(name: str) -> str:
    return name.replace(".", "_")


def _refer(identifier: str, table: str = "string") -> str:
    return f"$({table}.{identifier})"


# The files


def build_definitions() -> Element:
    """Return the ADMX: categories, policies, and the entries that each sets."""
    root = Element("policyDefinitions", xmlns=SCHEMA, revision="1.0", schemaVersion="1.0")
    SubElement(SubElement(root, "policyNamespaces"), "target", prefix="iea_agent", namespace=NAMESPACE)
    SubElement(root, "resources", minRequiredRevision="1.0", fallbackCulture="en-US")
    supported = SubElement(SubElement(root, "supportedOn"), "definitions")
    SubElement(supported, "definition", name="supported", displayName=_refer("supported"))
    categories = SubElement(root, "categories")
    SubElement(categories, "category", name="program", displayName=_refer("program"))
    for section in SECTIONS:
        identifier = f"section_{section}"
        category = SubElement(categories, "category", name=identifier, displayName=_refer(identifier))
        SubElement(category, "parentCategory", ref="program")
    policies = SubElement(root, "policies")
    for name, declaration in DECLARATIONS.items():
        _add_policy(policies, name, declaration)
    return root


def _add_policy(policies: Element, name: str, declaration: Declaration) -> None:
    section, value = name.split(".")
    identifier = _identify(name)
    policy = SubElement(policies, "policy", name=identifier, attrib={"class": "Machine"})
    policy.set("displayName", _refer(identifier))
    policy.set("explainText", _refer(f"{identifier}_explanation"))
    if not _is_switch(declaration):
        policy.set("presentation", _refer(identifier, "presentation"))
    key = policy_registry.name_key(APPLICATION).removeprefix("HKLM\\")
    policy.set("key", f"{key}\\{section}")
    if _is_switch(declaration):
        policy.set("valueName", value)
    SubElement(policy, "parentCategory", ref=f"section_{section}")
    SubElement(policy, "supportedOn", ref="supported")
    if _is_switch(declaration):
        for tag, number in (("enabledValue", "1"), ("disabledValue", "0")):
            SubElement(SubElement(policy, tag), "decimal", value=number)
    else:
        _choose_steps(declaration)[0](SubElement(policy, "elements"), "value", value)


def build_texts(language: str) -> Element:
    """Return the ADML of *language*, "fr" or "en"."""
    root = Element("policyDefinitionResources", xmlns=SCHEMA, revision="1.0", schemaVersion="1.0")
    SubElement(root, "displayName").text = PROGRAM.speak(language)
    SubElement(root, "description").text = PROGRAM.speak(language)
    resources = SubElement(root, "resources")
    strings = SubElement(resources, "stringTable")
    for identifier, text in _list_strings(language).items():
        SubElement(strings, "string", id=identifier).text = text
    presentations = SubElement(resources, "presentationTable")
    for name, declaration in DECLARATIONS.items():
        if not _is_switch(declaration):
            presentation = SubElement(presentations, "presentation", id=_identify(name))
            _choose_steps(declaration)[1](presentation, "value", POLICIES[name].title.speak(language))
    return root


def _list_strings(language: str) -> dict[str, str]:
    strings = {"program": PROGRAM, "supported": SUPPORTED}
    strings |= {f"section_{section}": words for section, words in SECTIONS.items()}
    strings |= {
        f"{kind}_{value.value}": words for kind, each in CHOICES.items() for value, words in each.items()
    }
    strings |= {_identify(name): POLICIES[name].title for name in DECLARATIONS}
    return {identifier: words.speak(language) for identifier, words in strings.items()} | {
        f"{_identify(name)}_explanation": explain(declaration, language)
        for name, declaration in DECLARATIONS.items()
    }


def explain(declaration: Declaration, language: str) -> str:
    """Return what the editor says about the setting *declaration*."""
    value = declaration.value_in(DEFAULTS)
    if isinstance(value, bool):
        lines = [SWITCH_IS.speak(language).format(default=DEFAULT_SWITCH[value].speak(language))]
    else:
        expected = _translate(declaration.kind.expected, language)
        default = declaration.format_typed(DEFAULTS) or NOTHING.speak(language)
        lines = [ENABLED_IS.speak(language).format(expected=expected, default=default)]
    lines += [(NOT_CONFIGURED if isinstance(value, bool) else NOT_ENABLED).speak(language)]
    lines += [POLICY_ONLY.speak(language)] if declaration.policy_only else []
    return "\n\n".join([POLICIES[declaration.name].explanation.speak(language), *lines])


def _translate(text: str, language: str) -> str:
    folder = Path(locale.__file__).parent
    spoken = gettext.translation(locale.DOMAIN, folder, [language], fallback=True).gettext(text)
    return spoken.replace("'", "’")


def write_templates(folder: Path) -> tuple[Path, ...]:
    """Write the ADMX and its texts into *folder*, and return the files."""
    files = {folder / f"{FILE_NAME}.admx": build_definitions()}
    files |= {folder / place / f"{FILE_NAME}.adml": build_texts(each) for place, each in LANGUAGES.items()}
    for file, root in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.indent(root)
        file.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")
    return tuple(files)


def main(arguments: Sequence[str]) -> int:
    """Write the templates into the folder that *arguments* name; return 0."""
    folder = Path(arguments[0] if arguments else "build/installer/policies")
    for file in write_templates(folder):
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
