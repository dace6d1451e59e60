"""The technical detail of a failure in words: what the system said, its number.

Details are made in English, for the log, for scripts and for the support desk. A person reads them through
``word_detail``: our own words in the reader's language, codes as they are, and what another program or the
other side has said in quotation marks.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

from iea_agent.domain.addresses import Malformed
from iea_agent.domain.printable_text import LONGEST_DETAIL, clean_foreign_text
from iea_agent.domain.problems import N_
from iea_agent.locale import _

from .problem_details import MALFORMED

FIRST_WINDOWS_ERROR = 10_000
"""The numbers of Windows' network errors begin here (winsock.h, WSABASEERR)."""
_SYSTEM_ERROR = re.compile(r"(?:\w+\.)*(\w+): \[(?:Errno|WinError) (-?\d+)\][^\n]*")
"""An error of the system as Python writes it: kind, number, and English or nothing useful."""
_LIBRARY_ERROR = re.compile(r"(?:\w+\.)*(\w+)(?:: ([^\n]*))?")
"""Another error: its kind, and its text if it has one."""
_KINDS: Mapping[str, str] = {
    "ConnectionRefusedError": N_("connexion refusée"),
    "ConnectionResetError": N_("connexion interrompue par l'autre côté"),
    "ConnectionAbortedError": N_("connexion abandonnée"),
    "BrokenPipeError": N_("connexion interrompue par l'autre côté"),
    "TimeoutError": N_("délai dépassé"),
    "gaierror": N_("nom introuvable"),
    "NameWithoutIpv4": N_("ce nom n'a pas d'adresse IPv4"),
    "PermissionError": N_("accès refusé"),
    "FileNotFoundError": N_("fichier introuvable"),
    "IsADirectoryError": N_("c'est un dossier"),
    "NotADirectoryError": N_("un fichier est à la place d'un dossier"),
    "NotAFileError": N_("ce n'est pas un fichier"),
    "OSError": N_("erreur du système"),
    "OSError 22": N_("nom ou fichier inutilisable"),
    "OSError 28": N_("disque plein"),
    "OSError 30": N_("disque en lecture seule"),
    "ConnectTimeout": N_("délai de connexion dépassé"),
    "ReadTimeout": N_("délai de réponse dépassé"),
    "WriteTimeout": N_("délai d'envoi dépassé"),
    "ConnectError": N_("connexion impossible"),
    "ReadError": N_("réponse interrompue"),
    "WriteError": N_("envoi interrompu"),
    "RemoteProtocolError": N_("réponse qui n'est pas du http"),
    "LocalProtocolError": N_("demande impossible à envoyer"),
    "SSLError": N_("erreur TLS"),
    "SSLEOFError": N_("connexion sécurisée interrompue"),
}
"""Kinds of errors of the system, of Python and of its libraries; some with their number."""
_PLAIN: Mapping[str, str] = {
    "direct": N_("accès direct"),
    "left to the proxy": N_("laissé au proxy"),
    "on the bypass list": N_("sans proxy pour ce serveur"),
    "no root.json here": N_("pas de root.json sur ce poste"),
    "no licence to try": N_("aucune licence à essayer"),
    "licence number or key is empty": N_("numéro ou clé de licence vide"),
    "the whole test took too long": N_("le test entier a duré trop longtemps"),
    "the same again": N_("même résultat"),
    "a client certificate was asked for": N_("un certificat de ce poste a été demandé"),
    "a proxy that is itself reached over https is not supported": N_(
        "un proxy joint en https n'est pas pris en charge"
    ),
    "time for the whole request is over": N_("le délai de toute la demande est dépassé"),
    "not TUF metadata": N_("ce ne sont pas des informations de mise à jour"),
    "no metadata below the address": N_("pas d'informations de mise à jour à cette adresse"),
    "compressed, and cut": N_("réponse compressée et incomplète"),
    "compressed (gzip) in too many parts": N_("réponse compressée (gzip) en trop de parties"),
    "Date header": N_("heure donnée par le serveur"),
    "Server disconnected without sending a response.": N_("le serveur a coupé la connexion sans répondre"),
    # OpenSSL's words about a certificate (X509_verify_cert_error_string), and ours
    "certificate has expired": N_("le certificat a expiré"),
    "certificate is not yet valid": N_("le certificat n'est pas encore valable"),
    "unable to get local issuer certificate": N_("autorité inconnue de ce poste"),
    "unable to get issuer certificate": N_("autorité inconnue de ce poste"),
    "unable to verify the first certificate": N_("certificat intermédiaire absent"),
    "self-signed certificate": N_("certificat établi par le serveur lui-même"),
    "self signed certificate": N_("certificat établi par le serveur lui-même"),
    "self-signed certificate in certificate chain": N_("autorité inconnue de ce poste"),
    "self signed certificate in certificate chain": N_("autorité inconnue de ce poste"),
    "certificate revoked": N_("certificat révoqué"),
    "revoked": N_("certificat révoqué"),
    "not the one that the policy demands": N_("ce n'est pas celui que votre administrateur exige"),
    "invalid CA certificate": N_("certificat d'autorité irrégulier"),
    "EE certificate key too weak": N_("clé du certificat trop faible"),
    "CA certificate key too weak": N_("clé de l'autorité trop faible"),
    "CA signature digest algorithm too weak": N_("signature de l'autorité trop faible"),
    "unsuitable certificate purpose": N_("certificat prévu pour un autre usage"),
    **{kind.value: MALFORMED[kind] for kind in Malformed},
}
"""Details, or parts of one, that are always the same words."""
_OPEN: Mapping[str, str] = {
    "certificate refused: {rest} [{code}]": N_("certificat refusé : {rest} [{code}]"),
    "Hostname mismatch, certificate is not valid for '{code}'.": N_(
        "le certificat n'est pas établi pour « {code} »"
    ),
    "IP address mismatch, certificate is not valid for '{code}'.": N_(
        "le certificat n'est pas établi pour « {code} »"
    ),
    "TLS: {code}": N_("erreur TLS {code}"),
    "{code} {more} without our limits": N_("{code} {more}, sans nos limites"),
    "no answer from {rest}": N_("pas de réponse de {rest}"),
    "no answer about {code} from the name service": N_(
        "pas de réponse du service de noms au sujet de {code}"
    ),
    "no answer within {code} s": N_("pas de réponse en {code} s"),
    "no contact for {code} s": N_("aucun contact depuis {code} s"),
    "longer than {code} bytes": N_("plus de {code} octets"),
    "longer than {code} bytes once expanded": N_("plus de {code} octets une fois décompressée"),
    "compressed ({text}) although that was not asked for": N_(
        "réponse compressée (« {text} ») alors que cela n'a pas été demandé"
    ),
    "compressed ({code}) and damaged: {text}": N_("réponse compressée ({code}) et abîmée : « {text} »"),
    "there is no port {code}": N_("le port {code} n'existe pas"),
    "HTTP {code} to {address}": N_("HTTP {code}, renvoi vers {address}"),
    "HTTP {code} to no host": N_("HTTP {code}, renvoi vers aucun serveur"),
    "HTTP {code} inside the server": N_("HTTP {code}, renvoi à l'intérieur du serveur"),
    "HTTP {code}, a web page": N_("HTTP {code}, une page web"),
    "HTTP {code} without a bearer token": N_("HTTP {code}, sans jeton"),
    "HTTP {code} with a token without the scope {text}": N_("HTTP {code}, jeton sans le droit « {text} »"),
    "no discovery document: HTTP {rest}": N_("pas de document de découverte : HTTP {rest}"),
    "no {code}.json: HTTP {more}": N_("pas de {code}.json : HTTP {more}"),
    "token endpoint {address}: {code} {rest}": N_("adresse du jeton {address} : {code}, {rest}"),
    "token endpoint {address}": N_("adresse du jeton {address}"),
    "token for {code} s": N_("jeton valable {code} s"),
    "{address}, through a proxy": N_("{address}, par un proxy"),
    "TUF timestamp, version {code}": N_("informations de mise à jour, version {code}"),
    "signatures checked, version {code}, expires {more}": N_(
        "signatures vérifiées, version {code}, valables jusqu'au {more}"
    ),
    "signatures not checked: no root.json here": N_(
        "signatures non vérifiées : pas de root.json sur ce poste"
    ),
    "expires {code}": N_("valables jusqu'au {code}"),
    "root.json of this computer cannot be used: {text}": N_(
        "root.json de ce poste inutilisable : « {text} »"
    ),
    "this computer's disk: {rest}": N_("disque de ce poste : {rest}"),
    "no script from the network: {rest}": N_("aucun script donné par le réseau : {rest}"),
    "script unusable: {rest}": N_("script inutilisable : {rest}"),
    "WinHTTP error {code}": N_("WinHTTP {code}"),
    "not supported: {text}": N_("non pris en charge : « {text} »"),
    "not understood: {text}": N_("incompris : « {text} »"),
    "the server's clock minus this PC's: {code} s": N_("heure du serveur moins celle de ce poste : {code} s"),
    "{address} is {numbers}": N_("{address} a l'adresse {numbers}"),
}
"""Details of ours around something particular: *code* and *address* stay, *text* is another's, *rest* is worded."""
_PLACES = {
    "code": r"[^\s{}]+",
    "more": r"[^\s{}]+",
    "address": r"[^\s{}]+",
    "numbers": r"[0-9A-Fa-f.:, ]+",
    "text": r".*",
    "rest": r".*",
}
_ADDITIONS: Mapping[str, str] = {
    "the server says: token endpoint ": N_("le serveur indique l'adresse du jeton « {text} »"),
    "the server says: issuer ": N_("le serveur s'annonce sous l'adresse « {text} »"),
    "the server says: ": N_("le serveur répond « {text} »"),
    "the proxy says: ": N_("le proxy répond « {text} »"),
    "the other side sent: ": N_("l'autre côté a envoyé « {text} »"),
    "a page with the title: ": N_("une page dont le titre est « {text} »"),
    "issued by ": N_("établi par « {text} »"),
}
"""What ends a detail with the words of another side."""
_ADDED = re.compile(rf"(?:^|, )({'|'.join(map(re.escape, _ADDITIONS))})")
_FINGERPRINT = re.compile(r"(.*?)(?:^|, )(SHA-256 [0-9a-f]*…?)$", re.DOTALL)
_LATER = re.compile(r"(.*), this computer says (\S+)$", re.DOTALL)
_FILE = re.compile(r"([\w.]+\.json): (.*)|((?:[A-Za-z]:)?[\\/][^:]*): (.*)", re.DOTALL)
_SERIES: Mapping[str, str] = {
    ", then ": N_("{first}, puis {second}"),
    "; ": N_("{first} ; {second}"),
}
"""What parts two details."""
_CODES = re.compile(r"HTTP \d{3}(?: \w+)?|\S*")
"""What is left as it is: addresses, versions, statuses, a server's error code."""
_DEEPEST = 6
"""So many parts of a detail can stand in each other; what is deeper is quoted."""


def word_kind(kind: str) -> str:
    """Return the *kind* of an error, "PermissionError" for example, in words."""
    return _(_KINDS[kind]) if kind in _KINDS else kind


def word_error(error: OSError) -> str:
    """Return what the system says in *error*, in words and with its number."""
    number = "" if error.errno is None else f": [Errno {error.errno}]"
    return word_detail(f"{type(error).__name__}{number}")


def word_detail(detail: str) -> str:
    """Return *detail* in the reader's language as far as it is known, with its codes."""
    return _word(detail, 0)


def _word(detail: str, depth: int) -> str:
    if depth > _DEEPEST:
        return _quote(detail)
    # what another side has said is split off first: it may look like anything
    if fingerprint := _FINGERPRINT.fullmatch(detail):
        return _join(_word(fingerprint[1], depth + 1), fingerprint[2])
    if added := _ADDED.search(detail):
        quoted = clean_foreign_text(detail[added.end() :], LONGEST_DETAIL)
        return _join(_word(detail[: added.start()], depth + 1), _(_ADDITIONS[added[1]]).format(text=quoted))
    if later := _LATER.fullmatch(detail):
        return _join(_word(later[1], depth + 1), _("heure de ce poste : {time}").format(time=later[2]))
    before, asks, schemes = detail.partition(", asks for ")
    if asks:
        return _join(_word(before, depth + 1), _("identification demandée : {name}").format(name=schemes))
    return _word_own(detail, depth)


def _word_own(detail: str, depth: int) -> str:
    """Return *detail*, in which nothing is added at the end, in the reader's language."""
    if detail in _PLAIN:
        return _(_PLAIN[detail])
    for pattern in _compile_open():
        if match := pattern.form.fullmatch(detail):
            return _(pattern.words).format(**_word_parts(match.groupdict(), depth)).removesuffix(", ")
    for mark, words in _SERIES.items():
        first, is_there, second = detail.partition(mark)
        if is_there:
            return _(words).format(first=_word(first, depth + 1), second=_word(second, depth + 1))
    if file := _FILE.fullmatch(detail):
        name, reason = (file[1], file[2]) if file[1] else (file[3], file[4])
        return _("{name} : {what}").format(name=name, what=_word(reason, depth + 1))
    return _word_error(detail, depth)


def _word_error(detail: str, depth: int) -> str:
    """Return an error as Python writes it in the reader's language."""
    error = _SYSTEM_ERROR.match(detail)
    if error is not None and error[1] in _KINDS:
        system = "Windows" if int(error[2]) >= FIRST_WINDOWS_ERROR else "Errno"
        kind = _KINDS.get(f"{error[1]} {error[2]}", _KINDS[error[1]])
        return f"{_(kind)} ({system} {error[2]}){detail[error.end() :]}"
    error = _LIBRARY_ERROR.fullmatch(detail)
    if error is not None and error[1] in _KINDS:
        return _join(_(_KINDS[error[1]]), _word(error[2] or "", depth + 1))
    if all(_CODES.fullmatch(part) for part in detail.split(", ")):
        return detail
    return _quote(detail)


class _OpenPattern(NamedTuple):
    """A detail with places in it: its form, and its words in French."""

    form: re.Pattern[str]
    words: str


@functools.cache
def _compile_open() -> tuple[_OpenPattern, ...]:
    """Return the patterns of ``_OPEN``; made when a detail is first worded."""
    patterns = []
    for template, words in _OPEN.items():
        parts = re.split(r"\{(\w+)\}", template)
        form = "".join(
            f"(?P<{part}>{_PLACES[part]})" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
        patterns.append(_OpenPattern(re.compile(form, re.DOTALL), words))
    return tuple(patterns)


def _word_parts(parts: Mapping[str, str], depth: int) -> dict[str, str]:
    """Return what stands at the places of a pattern as it is shown."""
    words = dict(parts)
    if "text" in parts:
        words["text"] = clean_foreign_text(parts["text"], LONGEST_DETAIL)
    if "rest" in parts:
        words["rest"] = _word(parts["rest"], depth + 1)
    return words


def _join(first: str, second: str) -> str:
    return ", ".join(filter(None, (first, second)))


def _quote(text: str) -> str:
    """Return *text*, of which nothing is known, as a quotation."""
    return _("message d'origine : « {text} »").format(text=clean_foreign_text(text, LONGEST_DETAIL))
