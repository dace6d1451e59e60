"""What a token endpoint answers: a token, or a verdict on the licence.

Only OAuth's error codes (RFC 6749, section 5.2) and the products' own words for them judge a licence. A page, a status, or the JSON of a
gateway (``{"error": "Forbidden"}``) does not: ``judge`` says what those mean.

The answer is read liberally where its meaning is certain: a token counts whatever its type is called, and an error code whatever stands beside it.
``tests/services/test_token_answers.py`` lists each server's dialect.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.evidence import RefusalGround
from iea_agent.domain.problems import Problem, Retry

from .messages import Reply


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """A token was given; *scopes* are its rights, None if the server names none.

    *value* is the token itself.
    """

    expires_in: float | str | None
    scopes: frozenset[str] | None
    value: str = field(default="", repr=False)


_BOUND_TOKENS = ("mac", "dpop", "pop")
"""Types of tokens that need a key: the agent has none, and did not ask for them."""


def read_token(reply: Reply) -> TokenAnswer | None:
    """Return the token in *reply* (RFC 6749, section 5.1), None if there is none.

    Its type may be missing or be written in another way; only a type that needs a key is refused.
    """
    members = _read_members(reply) if reply.is_success else {}
    token, kind = members.get("access_token"), members.get("token_type")
    if not isinstance(token, str) or not token.strip():
        return None
    if isinstance(kind, str) and kind.strip().lower() in _BOUND_TOKENS:
        return None
    lifetime = members.get("expires_in")
    return TokenAnswer(
        lifetime if isinstance(lifetime, int | float | str) else None,
        _read_scopes(members.get("scope")),
        token,
    )


def _read_scopes(value: object) -> frozenset[str] | None:
    match value:
        case str():
            # with commas in between: GitHub and others
            return frozenset(value.replace(",", " ").split())
        case list():
            return frozenset(str(each) for each in value)
    return None


def judge_licence(reply: Reply, scope: str) -> Failure | None:
    """Return what *reply* says about the licence, None if it says nothing about it.

    *scope* is the right that was asked for, "" if none.
    """
    # a status that is about the server or the way is not read further; 407 and 3xx are among them
    if not (reply.is_success or 400 <= reply.status < 500) or reply.status in (407, 408, 421, 425, 429):
        return None
    error = _read_error(reply)
    problem = next((problem for applies, problem in _RULES if applies(error)), None)
    if problem is None:
        return None
    ground = _find_ground(error, scope) if problem is problems.AUTHORISATION_REFUSED else None
    retry_after = reply.retry_after if problem.retry is Retry.UNAVAILABLE else None
    detail = f"HTTP {reply.status} {error.code}".rstrip()
    if error.description:
        detail += f", the server says: {error.description}"
    return Failure(Stage.LICENCE, problem, detail, retry_after, ground)


def refuse_missing_scope(token: TokenAnswer, scope: str) -> Failure | None:
    """Return the failure of a *token* without the right asked for (RFC 6749, 3.3)."""
    # OpenID's own scopes, and Entra's "all that this client may", are answered in other words
    asked = {each for each in scope.split() if not each.endswith("/.default")} - {"openid", "offline_access"}
    if token.scopes is None or asked <= token.scopes:
        return None
    detail = f"HTTP 200 with a token without the scope {' '.join(sorted(asked - token.scopes))}"
    return Failure(Stage.LICENCE, problems.AUTHORISATION_REFUSED, detail, evidence=RefusalGround(scope))


def _find_ground(error: _Error, scope: str) -> RefusalGround | None:
    """Return the ground if *error* is about a scope or gives no reason, else None."""
    if error.is_silent:
        return RefusalGround(None)
    return RefusalGround(scope) if error.code in _ABOUT_SCOPE or error.wants_scope else None


# --- reading


def _read_members(reply: Reply) -> dict[str, Any]:
    """Return the members of the object, or of the form (GitHub, Facebook), in *reply*.

    Names are in lower case; a list of one object counts as the object. A broken object still gives its error code.
    """
    text = reply.decoded_body.strip()
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        broken = re.search(r'"error"\s*:\s*"(\w{1,60})"|<error>(\w{1,60})</error>', text)
        if broken:
            return {"error": broken[1] or broken[2]}
        is_form = re.match(r"[\w.~%+-]{1,60}=", text) and not text.startswith("<")
        value = dict(parse_qsl(text[:4096])) if is_form else {}
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return {name.lower(): member for name, member in value.items()} if isinstance(value, dict) else {}


def _walk(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the texts in *value*, those of its objects and lists too."""
    match value:
        case str():
            yield value
        case list() if depth < 3:
            for each in value[:10]:
                yield from _walk(each, depth + 1)
        case dict() if depth < 3:
            for each in value.values():
                yield from _walk(each, depth + 1)


_CODE_MEMBERS = (
    "error",
    "errorcode",
    "error_code",
    "code",
    "error_type",
    "type",
    "errors",
    "fault",
    "reason",
)
"""Where servers put the code: RFC 6749 and most; Okta, Apigee; Salesforce, Google …"""
_WORD_MEMBERS = (
    "error_description",
    "errorsummary",
    "error_hint",
    "error_reason",
    "error_message",
    "errormessage",
    "error_debug",
    "description",
    "message",
    "detail",
    "details",
    "reason",
    "title",
    "error_codes",
)
"""Where servers put the words."""
_LONGEST_WORDS = 2000
"""Characters of the words that are searched; one may become eighteen without its accents."""


class _Error(NamedTuple):
    """An error of the token endpoint: a code of ``_MEANT_CODES``, and the words."""

    status: int
    code: str
    words: str
    """All words of the answer, in lower case and without accents."""
    description: str
    """The words as they came, for the details."""
    is_silent: bool
    """Whether the answer is a status 403 and nothing else."""

    @property
    def is_refused(self) -> bool:
        """Whether the words say that the licence is known but may not.

        "Unknown or disabled client" leaves both open: that is no word for a refusal.
        """
        refused = _REFUSED.search(self.words)
        open_question = _UNKNOWN.search(self.words) and re.search(r"\b(?:or|ou)\b", self.words)
        return bool(refused) and not open_question

    @property
    def is_unknown(self) -> bool:
        """Whether the words say that number or key are not the right ones."""
        about_another = _ANOTHER_UNKNOWN.search(self.words) is not None
        return bool(_UNKNOWN.search(self.words)) and not self.is_refused and not about_another

    @property
    def is_passing(self) -> bool:
        """Whether the words say that the server itself is in trouble, not the licence."""
        return _PASSING.search(self.words) is not None and not _REFUSED.search(self.words)

    @property
    def wants_https(self) -> bool:
        """Whether the words ask for https: the server does not know how it is reached."""
        return (
            re.search(r"\bhttps\b(?!:)[^.]{0,30}\b(?:required|only)|\b(?:use|over) https\b(?!:)", self.words)
            is not None
        )

    @property
    def is_about_key(self) -> bool:
        """Whether the words say that the client's own secret or number is wrong."""
        return self.is_unknown and re.search(r"\bclient\b|application|\bcle\b", self.words) is not None

    @property
    def is_about_method(self) -> bool:
        """Whether the words say that the key may not be sent in this way by anybody."""
        others = _METHOD_UNSUPPORTED.sub("", self.words)
        return others != self.words and not _UNKNOWN.search(others) and "for th" not in others

    @property
    def is_client_refused(self) -> bool:
        """Whether the words say so of the client itself, not of https or an endpoint."""
        return _CLIENT_REFUSED.search(self.words) is not None

    @property
    def wants_scope(self) -> bool:
        """Whether the words say that a scope must be asked for."""
        return _SCOPE_WANTED.search(self.words) is not None


def _read_error(reply: Reply) -> _Error:
    """Return the error in *reply*: in its body, else in its WWW-Authenticate."""
    members = _read_members(reply)
    challenge = reply.headers.get("www-authenticate", "")
    if not members and (named := re.search(r'error="?(\w{1,60})', challenge)):
        described = re.search(r'error_description="([^"]{0,300})', challenge)
        members = {"error": named[1], "error_description": described[1] if described else ""}
    texts = [text for name in _CODE_MEMBERS for text in _walk(members.get(name))]
    phrases = [text for name in _WORD_MEMBERS for text in _walk(members.get(name))]
    code = next(filter(None, (*map(_find_code, texts), *map(_find_leading_code, phrases))), "")
    # Spring and UAA; what a framework says with this word has no description
    if not code and "error_description" in members and members.get("error") == "unauthorized":
        code = "unauthorized"
    there = set(phrases)
    phrases += [text for text in texts if text.lower() != code and text not in there]
    description = " ".join(phrases)
    # hydra and others begin with what the code means in general, in brackets
    words = re.sub(r"\(e\.g\.[^)]{0,300}\)", "", description[:_LONGEST_WORDS]).lower()
    words = "".join(c for c in unicodedata.normalize("NFKD", words) if not unicodedata.combining(c))
    silent = reply.status == 403 and reply.body.strip() in (b"", b"{}", b"[]", b"null", b'""')
    return _Error(
        reply.status, code, words[:_LONGEST_WORDS].replace("’", "'"), description, silent and not code
    )


def _find_code(text: str) -> str:
    """Return the code in *text*, which may have a prefix or words around it."""
    words = re.findall(r"[a-z0-9_]+", text[:200].lower().replace("-", "_"))
    tokens = [word.strip("_") for word in words if "_" in word.strip("_")]
    # "Invalid client", "invalidClient"; but a framework's "Access Denied" is no code
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|[\s-]+", "_", text[:60].strip()).lower()
    if parted not in _WORDS_OF_FRAMEWORKS:
        tokens.append(parted)
    return next((token for token in tokens if token in _CODES or _STATE_CODE.fullmatch(token)), "")


def _find_leading_code(text: str) -> str:
    """Return the code with which *text* begins: "invalid_client: …"."""
    leading = re.match(r"[a-z]+(?:_[a-z]+)+", text)
    return leading[0] if leading and leading[0] in _CODES else ""


# --- meaning

_WORDS_OF_FRAMEWORKS = frozenset({"access_denied", "unauthorized", "internal_server_error"})
_FAILED = frozenset({"server_error", "temporarily_unavailable", "internal_error", "internal_server_error"})
_TOO_MANY = frozenset({"slow_down", "too_many_requests", "rate_limit_exceeded", "rate_limited"})
_ABOUT_SCOPE = frozenset({"invalid_scope", "scope_invalid", "insufficient_scope", "scope_required"})
_NOT_IDENTIFIED = frozenset(
    # RFC 6749; Salesforce, LinkedIn; Zoho; Slack; GitHub; others
    [
        "invalid_client",
        "invalid_client_id",
        "invalid_client_secret",
        "bad_client_secret",
        "bad_client_id",
        "incorrect_client_credentials",
        "invalid_client_credentials",
        "client_not_found",
        "unknown_client",
        "app_not_found",
        "invalid_credentials",
        "invalid_clientid",
        "client_authentication_failed",
    ]
)
_AMBIGUOUS = frozenset({"unauthorized_client", "access_denied"})
"""Codes that some servers give for a wrong key too: words and status decide."""
_NOT_PERMITTED = _AMBIGUOUS | {"unauthorized"}
_REFUSED_CODES = frozenset(
    # a grant, a target or a consent that the server does not give to this client: it knows it
    [
        "invalid_grant",
        "authorization_type_invalid",
        "invalid_target",
        "invalid_resource",
        "consent_required",
        "interaction_required",
        "login_required",
        "invalid_app_access",
        "restricted_client",
        "org_internal",
        "admin_policy_enforced",
        "unauthorized_grant_type",
    ]
)
_ABOUT_REQUEST = frozenset({"invalid_request", "unsupported_grant_type", "invalid_token_request"})
_STATE_CODE = re.compile(
    r"(?:\w+_)?(?:client|app|application|account|licen[cs]e|user|org|tenant|consumer|subscription|secret|key)_(?:is_)?(?:disabled|suspended|inactive|revoked|blocked|locked|expired"
    r"|deleted)|(?:disabled|suspended|inactive|revoked|blocked|locked|expired|deleted)_(?:client|app|application|account|licen[cs]e|user|org|tenant|consumer|subscription|secret|key)"
)
"""``disabled_client``, ``application_suspended``, ``inactive_org`` …"""
_CODES = (
    _FAILED | _TOO_MANY | _ABOUT_SCOPE | _NOT_IDENTIFIED | _NOT_PERMITTED | _REFUSED_CODES | _ABOUT_REQUEST
)

_STATE = (
    r"(?:disabled|deactivated|in ?active|suspended|blocked|locked|revoked|expired|banned|archived|terminated(?! (?:an operation|the request))"
    r"|cancell?ed|deleted|removed|frozen|paused|on hold"
    r"|not (?:currently |yet |been )*(?:in (?:an )?active|enabled|active|allowed|authori[sz]ed|permitted|approved|activated"
    r"|granted|assigned|entitled|supported)|no longer (?:active|valid|allowed|authori[sz]ed)"
    # French, without accents
    r"|desactive|inacti(?:f|ve)|suspendu|bloque|verrouille|revoque|expire|resilie|radie|cloture|supprime|archive|interdit|(?<!connection )refuse"
    r"|(?:n'est |n'a |ne peut )?(?:pas|plus|non) (?:encore )?(?:ete )?(?:autorise|habilite|permis|active|valable|valide\b|le droit|acces))"
)
_REFUSED = re.compile(
    _STATE
    + r"|service.account|client.grant|consent|insufficient|pending approval|awaiting approval|auth(?:entication)?[ _]method"
    + r"|droits? insuffisant|en attente|aadsts(?:7000112|7000222|65001|500011|501051|50105|53003)"
)
"""Words for: the licence is known, but may not."""
_UNKNOWN = re.compile(
    r"\bunknown\b|not (?:be )?(?:found|recogni[sz]ed|registered|known)|no such|(?:does not|doesn't) exist|no client with|unregistered|unable to find"
    r"|(?:invalid|bad|wrong|incorrect) (?:oauth ?2? )?(?:(?:client|application|app|consumer)[ _-]?)?(?:id|identifier|secret|credentials?|password)\b"
    r"|invalid client or|(?:client|app(?:lication)?)[ _]?(?:id|secret|credentials?)\b[^.]{0,40}(?:invalid|incorrect|wrong|mismatch|not match|not valid)"
    # French, without accents
    r"|inconnu|introuvable|n'existe pas|(?:non|pas) reconnu|(?:identifiants?|numero|secret|cle|mot de passe)\b[^.]{0,30}(?:invalide|incorrect|errone|fau)"
    r"|aadsts(?:700016|7000215|7000216|7000218|700030)"
)
"""Words for: number or key are not the right ones."""
_ANOTHER_UNKNOWN = re.compile(
    r"\b(?:tenant|realm|service|api|resource|audience|issuer)\b(?! (?:account|provider|principal))[^.;,]{0,40}?"
    r"(?:not (?:be )?found|unknown|(?:does not|doesn't) exist|not (?:registered|recogni[sz]ed))"
)
"""Words for: what is not the right one is something else in the address or the request."""
_PASSING = re.compile(
    r"(?:temporarily|currently|momentanement|actuellement|temporairement) (?:un|not |in|non )(?:available|disponible)"
    r"|(?:server|service|backend|back end|directory|database|ldap|annuaire|serveur|base de donnees)\b[^.;]{0,30}"
    r"\b(?:unavailable|unreachable|indisponible|injoignable)"
    r"|(?:could not|cannot|can't|failed to|unable to) connect|connection (?:refused|reset|timed out)|timed out|(?:try|again) later|reessayez"
    r"|transient error|internal (?:server )?error|aadsts(?:50033|50196|900(?:12|33|55))\b"
)
"""Words for: the server, or what stands behind it, cannot answer for the moment."""
_METHOD_UNSUPPORTED = re.compile(
    r"(?:unsupported|unknown|invalid|unrecogni[sz]ed|not supported) (?:client )?auth(?:entication)?[ _]method"
    r"|\bauth(?:entication)?[ _]method\b[^.;]{0,40}?(?:not (?:supported|recogni[sz]ed)|unsupported)"
    # French, without accents
    r"|methode d'authentification[^.;]{0,40}?(?:non|pas) (?:prise en charge|supportee|reconnue)"
)
"""Words for: the server takes keys in another way, whoever sends one."""
_CLIENT_REFUSED = re.compile(
    r"(?:disabled|not (?:allowed|enabled|permitted|authori[sz]ed)) for (?:this|the) client|service.account|\buser '[^']*' disabled"
    r"|\b(?:client|application|account|licen[cs]e|compte)\b(?! (?:cert|auth|assert))[^.;:]{0,60}?\b" + _STATE
)
_SCOPE_WANTED = re.compile(
    r"aadsts900144|\bscopes?\b[^.]{0,40}(?:required|missing|must be|not (?:specified|provided|given))"
    r"|(?:missing|required|must)[^.]{0,40}\bscopes?\b"
)
_OWN_WORDS = re.compile(
    # Facebook; Oracle ORDS; Apigee
    r"error validating (?:client secret|application)|tag:oracle\.com,\d+:error/unauthorized"
    r"|oauth\.v2\.(?:invalidclientidentifier|clientidnotfound|invalidclientcredentials)"
)
"""A product's own words for a number or key that it does not know, without an OAuth code."""
_OWN_WORDS_REFUSED = re.compile(
    # Apigee: the application, or the one whom it belongs to, is not active
    r"(?:oauth\.v2|keymanagement\.service)\.(?:developerstatusnotactive|companystatusnotactive|invalid_client-app_not_approved|apikeynotapproved)"
)
"""A product's own words for a licence that it knows and refuses, without an OAuth code."""

_Rules: TypeAlias = tuple[tuple[Callable[[_Error], bool], Problem], ...]
_RULES: _Rules = (
    # Keycloak, if it could not look the client up, or if all of its realm is closed
    (lambda e: e.words.startswith(("unexpected error", "realm not enabled")), problems.SERVER_UNAVAILABLE),
    (lambda e: e.code in _FAILED, problems.SERVER_UNAVAILABLE),
    (lambda e: e.code in _TOO_MANY, problems.TOO_MANY_REQUESTS),
    # a directory that is down is no wrong key: 15 minutes would pass for nothing
    (lambda e: e.code != "" and e.is_passing, problems.SERVER_UNAVAILABLE),
    # Keycloak, Kong: a proxy in front of the server does not tell it that the way is encrypted
    (lambda e: e.code in _NOT_PERMITTED | _ABOUT_REQUEST and e.wants_https, problems.REQUEST_REJECTED),
    (lambda e: _OWN_WORDS_REFUSED.search(e.words) is not None, problems.AUTHORISATION_REFUSED),
    (lambda e: e.code == "invalid_grant" and e.is_about_key, problems.LICENCE_NOT_RECOGNISED),
    (lambda e: e.code in _ABOUT_SCOPE or e.code in _REFUSED_CODES, problems.AUTHORISATION_REFUSED),
    (lambda e: _STATE_CODE.fullmatch(e.code) is not None, problems.AUTHORISATION_REFUSED),
    # what does not fit is how the server wants the key
    (lambda e: e.code in _NOT_IDENTIFIED | _ABOUT_REQUEST and e.is_about_method, problems.REQUEST_REJECTED),
    (lambda e: e.code in _NOT_IDENTIFIED and e.is_refused, problems.AUTHORISATION_REFUSED),
    (lambda e: e.code in _NOT_IDENTIFIED, problems.LICENCE_NOT_RECOGNISED),
    # Keycloak and Auth0 say these of a wrong key, with status 401 (RFC 6749: the client is not identified) or in words
    (lambda e: e.code in _NOT_PERMITTED and e.is_refused, problems.AUTHORISATION_REFUSED),
    (lambda e: e.code in _AMBIGUOUS and e.is_unknown, problems.LICENCE_NOT_RECOGNISED),
    # Spring, UAA, SAP
    (
        lambda e: (
            e.code == "unauthorized"
            and (e.is_about_key or e.words.startswith(("bad credentials", "client authentication failed")))
        ),
        problems.LICENCE_NOT_RECOGNISED,
    ),
    (lambda e: e.code in _AMBIGUOUS and e.status == 401, problems.LICENCE_NOT_RECOGNISED),
    (lambda e: e.code in _AMBIGUOUS, problems.AUTHORISATION_REFUSED),
    # oidc-provider and Keycloak say invalid_request of a client that may not, Entra of a scope that is missing
    (
        lambda e: e.code in _ABOUT_REQUEST and (e.is_client_refused or e.wants_scope),
        problems.AUTHORISATION_REFUSED,
    ),
    (lambda e: e.code in _ABOUT_REQUEST and e.is_unknown, problems.LICENCE_NOT_RECOGNISED),
    # the discovery document has just proved the address: what does not fit is the request
    (lambda e: e.code in _ABOUT_REQUEST and e.status != 403, problems.REQUEST_REJECTED),
    (lambda e: _OWN_WORDS.search(e.words) is not None, problems.LICENCE_NOT_RECOGNISED),
    # an empty 403, right after a good discovery document
    (lambda e: e.is_silent, problems.AUTHORISATION_REFUSED),
)
"""What an error means: the first rule that applies decides, and none if it is not about the licence."""
