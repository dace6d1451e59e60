"""The authentication server: OAuth 2.0 client credentials for licences."""

from __future__ import annotations

import secrets
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import time
from typing import Literal
from urllib.parse import parse_qsl, unquote, unquote_plus
from zlib import crc32

from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from iea_sandbox.authority import HOSTS
from iea_sandbox.faults import FaultSwitch, Layer

SCOPE = "iea"
_BODY_LIMIT = 16 * 1024

Refusal = Literal["unknown", "wrong-key", "refused"]


@dataclass(frozen=True)
class RegisteredLicence:
    """A licence: its number is the client id, its key the client secret."""

    number: str
    key: str
    suspended: bool = False
    scopes: tuple[str, ...] = (SCOPE,)


LICENCES: Mapping[str, RegisteredLicence] = {
    "good": RegisteredLicence("IEA-0001-GOOD", "K3Y-7F2M-9QXB-41TD"),
    "second": RegisteredLicence("IEA-0002-GOOD", "K3Y-5W8R-2HNC-66ZP"),
    "suspended": RegisteredLicence("IEA-0003-SUSPENDED", "K3Y-1DVG-8LJT-07KA", suspended=True),
    "limited": RegisteredLicence("IEA-0004-LIMITED", "K3Y-4PSE-3YMU-92RB", scopes=("lecture",)),
    "special": RegisteredLicence("IEA-0005/+%:", "K3Y : 100 % + / a&b = ?"),
    # no server knows this one
    "unknown": RegisteredLicence("IEA-9999-UNKNOWN", "K3Y-0000-0000-0000"),
}


@dataclass(frozen=True)
class _RefusalWords:
    """The wording of one refusal by one product."""

    status: int
    error: str
    description: str = ""
    challenge: str = ""


CLOSED_PORT = 9
"""A port of this machine at which nothing listens."""
ANOTHER_SERVER = "https://autre-serveur.example"
_BASIC = 'Basic realm="{realm}"'
_NOT_IDENTIFIED = "Invalid client or Invalid client credentials"

_OIDC_PROVIDER = _RefusalWords(
    401,
    "invalid_client",
    "client authentication failed",
    'Basic realm="{realm}", error="invalid_client", error_description="client authentication failed"',
)
_DJANGO = _RefusalWords(401, "invalid_client", challenge='Bearer error="invalid_client"')


def _authlib(description: str) -> _RefusalWords:
    challenge = f'Basic error="invalid_client", error_description="{description}"'
    return _RefusalWords(401, "invalid_client", description, challenge)


# oidc-provider, authlib and django-oauth-toolkit are compared with the real ones in tests/peers. Keycloak is read in its source: an unknown client in
# AuthenticationProcessor.handleClientAuthException, a wrong secret in ClientIdAndSecretAuthenticator, a refusal in ClientCredentialsGrantType (formerly
# in TokenEndpoint). A disabled client is answered as an unknown one, by Keycloak and by django-oauth-toolkit (Application.is_usable).
WORDS: Mapping[str, Mapping[Refusal, _RefusalWords]] = {
    # RFC 6749, 5.2
    "rfc": {
        "unknown": _RefusalWords(401, "invalid_client", "unknown client or wrong secret", _BASIC),
        "wrong-key": _RefusalWords(401, "invalid_client", "unknown client or wrong secret", _BASIC),
        "refused": _RefusalWords(400, "unauthorized_client", "this licence is suspended"),
    },
    "keycloak": {
        "unknown": _RefusalWords(401, "invalid_client", _NOT_IDENTIFIED),
        "wrong-key": _RefusalWords(401, "unauthorized_client", _NOT_IDENTIFIED),
        "refused": _RefusalWords(
            401, "unauthorized_client", "Client not enabled to retrieve service account"
        ),
    },
    # before version 20; its refusal is in the words that every version has for the disabled user of a service account
    "keycloak-old": {
        "unknown": _RefusalWords(400, "invalid_client", "Invalid client credentials"),
        "wrong-key": _RefusalWords(401, "unauthorized_client", "Invalid client secret"),
        "refused": _RefusalWords(401, "invalid_request", "User 'service-account-iea' disabled"),
    },
    "oidc-provider": {
        "unknown": _OIDC_PROVIDER,
        "wrong-key": _OIDC_PROVIDER,
        "refused": _RefusalWords(
            400, "invalid_request", "requested grant type is not allowed for this client"
        ),
    },
    "authlib": {
        "unknown": _authlib("The client does not exist on this server."),
        "wrong-key": _authlib("The client cannot authenticate with methods: ['client_secret_basic']"),
        "refused": _RefusalWords(
            400, "unauthorized_client", "The client is not authorized to use 'grant_type=client_credentials'"
        ),
    },
    "django-oauth-toolkit": {
        "unknown": _DJANGO,
        "wrong-key": _DJANGO,
        "refused": _RefusalWords(400, "unauthorized_client"),
    },
}

DECODERS: Mapping[str, Callable[[str], str]] = {"authlib": unquote, "keycloak-old": str}
"""How a product decodes each half of Basic, if not as form data (RFC 6749, 2.3.1).

To authlib a plus is a plus. Old Keycloaks (before 19.0.2: BasicAuthHelper.parseHeader) decode nothing.
"""


class _Refused(Exception):
    """The token request is answered with an error."""

    def __init__(self, words: _RefusalWords) -> None:
        self.words = words


class AuthenticationServer:
    """Discovery, tokens and keys of one issuer; its ``address`` is set at the start."""

    def __init__(
        self, switch: FaultSwitch, path: str = "", dialect: str = "rfc", lifetime: int = 300
    ) -> None:
        """Make the server of one issuer.

        *path* is the issuer's, "/realms/iea" for example; tokens live *lifetime* seconds. Raises KeyError for an
        unknown *dialect*.
        """
        self._switch = switch
        self._path = path
        self._words = WORDS[dialect]
        self._decode = DECODERS.get(dialect, unquote_plus)
        self._key = ECKey.generate_key("P-256", auto_kid=True)
        self.lifetime = lifetime
        self.address = ""
        self.licences = {licence.number: licence for name, licence in LICENCES.items() if name != "unknown"}
        self.app = Starlette(
            routes=[
                Route(f"{path}/.well-known/openid-configuration", self._discovery),
                # RFC 8414, 3.1 puts the issuer's path last
                Route(f"/.well-known/oauth-authorization-server{path}", self._discovery),
                Route(f"{path}/token", self._token, methods=["POST"]),
                Route(f"{path}/jwks", self._jwks),
            ]
        )

    def _issuer(self, request: Request) -> str:
        """Return the address that the client used, if its host is the server's."""
        host = request.url.hostname or ""
        return f"https://{request.url.netloc}{self._path}" if host in HOSTS else self.address

    async def _discovery(self, request: Request) -> Response:
        guarded = self._switch.on("first-place-guarded")
        if guarded and request.url.path.endswith("/openid-configuration"):
            return PlainTextResponse(
                "Authorization required", 401, {"WWW-Authenticate": 'Basic realm="frontal"'}
            )
        address = self._issuer(request)
        token_endpoint = f"{address}/token"
        if self._switch.on("clear-token-endpoint"):
            token_endpoint = token_endpoint.replace("https://", "http://")
        if self._switch.on("token-host-lost"):
            token_endpoint = f"https://{request.url.hostname}:{CLOSED_PORT}/token"
        if self._switch.on("token-elsewhere"):
            token_endpoint = f"{ANOTHER_SERVER}/token"
        issuer = ANOTHER_SERVER if self._switch.on("issuer-mismatch") else address
        if self._switch.on("issuer-in-clear"):
            issuer = issuer.replace("https://", "http://")
        methods = ["client_secret_post"]
        if not self._switch.on("post-only"):
            methods.insert(0, "client_secret_basic")
        document = JSONResponse(
            {
                "issuer": issuer,
                "token_endpoint": token_endpoint,
                "jwks_uri": f"{address}/jwks",
                "grant_types_supported": ["client_credentials"],
                "response_types_supported": [],
                "subject_types_supported": ["public"],
                "token_endpoint_auth_methods_supported": methods,
                "scopes_supported": [SCOPE, "lecture"],
            }
        )
        # RFC 9110, section 13.1.2
        document.headers["ETag"] = f'"{crc32(bytes(document.body)):08x}"'
        if request.headers.get("if-none-match") == document.headers["ETag"]:
            return Response(status_code=304, headers={"ETag": document.headers["ETag"]})
        return document

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})

    async def _token(self, request: Request) -> Response:
        """Answer a token request (RFC 6749: 4.4 grant, 2.3.1 authentication, 5 answers)."""
        if self._switch.on("refused-silently"):
            return Response(status_code=403)
        try:
            form = await _form(request)
            if self._switch.on("post-only") and "authorization" in request.headers:
                raise _Refused(_RefusalWords(401, "invalid_client", "the key belongs into the body"))
            number, key = _credentials(request, form, self._decode)
            self._check_grant(form)
            licence = self._identify(number, key)
            scopes = self._grant(licence, form)
        except _Refused as refused:
            return self._error(refused.words)
        if self._switch.on("empty-token"):
            return Response(status_code=204)
        answer: dict[str, object] = {
            "access_token": self._access_token(licence, scopes),
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "scope": " ".join(scopes),
        }
        if self._switch.on("no-token"):
            del answer["access_token"]
        return JSONResponse(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    def _check_grant(self, form: Mapping[str, str]) -> None:
        if self._switch.on("method-unsupported"):
            raise _Refused(_RefusalWords(401, "invalid_client", "Unsupported authentication method"))
        if not form.get("grant_type"):
            raise _Refused(_RefusalWords(400, "invalid_request", "grant_type is missing"))
        if form["grant_type"] != "client_credentials" or self._switch.on("grant-unsupported"):
            raise _Refused(
                _RefusalWords(400, "unsupported_grant_type", "only client_credentials is supported")
            )

    def _identify(self, number: str, key: str) -> RegisteredLicence:
        words = self._dialect()
        licence = self.licences.get(number)
        if licence is None or self._switch.on("unknown"):
            raise _Refused(words["unknown"])
        if not secrets.compare_digest(key.encode(), licence.key.encode()) or self._switch.on("wrong-key"):
            raise _Refused(words["wrong-key"])
        if licence.suspended or self._switch.on("refused"):
            raise _Refused(words["refused"])
        return licence

    def _grant(self, licence: RegisteredLicence, form: Mapping[str, str]) -> list[str]:
        """Return the scopes that were asked for, else all of the licence's."""
        asked = form.get("scope", "").split()
        if any(scope not in licence.scopes for scope in asked):
            raise _Refused(_RefusalWords(400, "invalid_scope", "requested scope is not allowed"))
        if self._switch.on("scope-missing"):
            if not asked:
                raise _Refused(_RefusalWords(400, "invalid_scope", "a scope is required"))
            return []
        return asked or list(licence.scopes)

    def _dialect(self) -> Mapping[Refusal, _RefusalWords]:
        active = self._switch.fault_in(Layer.LICENCE)
        return WORDS[active.options.dialect] if active else self._words

    def _access_token(self, licence: RegisteredLicence, scopes: list[str]) -> str:
        """Return a signed token as in RFC 9068."""
        now = int(time())
        claims = {
            "iss": self.address,
            "sub": licence.number,
            "client_id": licence.number,
            "aud": self.address,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(scopes),
        }
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": self._key.kid}, claims, self._key)

    def _error(self, words: _RefusalWords) -> Response:
        content = {"error": words.error}
        if words.description:
            content["error_description"] = words.description
        headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
        if words.challenge:
            headers["WWW-Authenticate"] = words.challenge.replace("{realm}", self.address)
        return JSONResponse(content, words.status, headers)


async def _form(request: Request) -> dict[str, str]:
    """Return the form's fields. Raises _Refused if one is given twice (RFC 6749, 3.2)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise _Refused(_RefusalWords(400, "invalid_request", "the body must be a form"))
    body = await request.body()
    try:
        if len(body) > _BODY_LIMIT:
            raise ValueError("too long")
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=32)
    except ValueError:
        raise _Refused(_RefusalWords(400, "invalid_request", "the form cannot be read")) from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _Refused(_RefusalWords(400, "invalid_request", "a field is given twice"))
    return form


def _credentials(request: Request, form: Mapping[str, str], decode: Callable[[str], str]) -> tuple[str, str]:
    """Return number and key from the header or the form (RFC 6749, 2.3.1)."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if "client_secret" in form:
            raise _Refused(_RefusalWords(400, "invalid_request", "more than one way to authenticate"))
        try:
            if scheme.lower() != "basic":
                raise ValueError(scheme)
            number, colon, key = b64decode(encoded, validate=True).decode("ascii").partition(":")
        except (ValueError, Base64Error):
            colon = ""
        if not colon:
            raise _Refused(_RefusalWords(401, "invalid_client", "the credentials cannot be read", _BASIC))
        return decode(number), decode(key)
    if "client_id" not in form or "client_secret" not in form:
        raise _Refused(_RefusalWords(401, "invalid_client", "no client authentication", _BASIC))
    return form["client_id"], form["client_secret"]
