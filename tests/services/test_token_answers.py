"""Tokens, refusals in each server's dialect, and answers that are neither."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Stage
from iea_agent.domain.evidence import RefusalGround
from iea_agent.domain.problems import Problem
from iea_agent.services.messages import Reply
from iea_agent.services.token_answers import judge_licence, read_token, refuse_missing_scope

UNKNOWN, REFUSED, BUSY = (
    problems.LICENCE_NOT_RECOGNISED,
    problems.AUTHORISATION_REFUSED,
    problems.SERVER_UNAVAILABLE,
)
SLOWER, FORM = problems.TOO_MANY_REQUESTS, problems.REQUEST_REJECTED
NO_VERDICT = None


def answer(status: int, content: object, headers: Mapping[str, str] | None = None) -> Reply:
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    return Reply(status, headers or {}, body)


def verdict(reply: Reply, scope: str = "") -> Problem | None:
    failure = judge_licence(reply, scope)
    assert failure is None or failure.stage is Stage.LICENCE
    return failure.problem if failure else None


HYDRA = "Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method)."

# Server, status, error, description, verdict. tests/peers has the first three answer by themselves; Keycloak is read in its source
# (iea_sandbox tells where), the others in their documentation and in reports about them.
DIALECT_ROWS = [
    ("oidc-provider", 401, "invalid_client", "client authentication failed", UNKNOWN),
    ("oidc-provider", 400, "invalid_request", "client_secret must be provided in the header", FORM),
    ("oidc-provider", 400, "invalid_request", "requested grant type is not allowed for this client", REFUSED),
    ("oidc-provider", 400, "invalid_scope", "requested scope is not allowed", REFUSED),
    ("oidc-provider", 400, "access_denied", "licence suspended", REFUSED),
    ("oidc-provider", 400, "unsupported_grant_type", "unsupported grant_type requested", FORM),
    ("oidc-provider", 400, "server_error", "oops! something went wrong", BUSY),
    ("authlib", 401, "invalid_client", "The client does not exist on this server.", UNKNOWN),
    ("authlib", 401, "invalid_client", "The client cannot authenticate with methods: ['none']", UNKNOWN),
    (
        "authlib",
        400,
        "unauthorized_client",
        "The client is not authorized to use 'grant_type=client_credentials'",
        REFUSED,
    ),
    ("authlib", 400, "invalid_scope", "The requested scope is invalid, unknown, or malformed.", REFUSED),
    ("authlib", 400, "unsupported_grant_type", "", FORM),
    ("django-oauth-toolkit", 401, "invalid_client", "", UNKNOWN),
    ("django-oauth-toolkit", 400, "unauthorized_client", "", REFUSED),
    ("django-oauth-toolkit", 400, "invalid_scope", "", REFUSED),
    ("django-oauth-toolkit", 400, "unsupported_grant_type", "", FORM),
    ("keycloak", 401, "invalid_client", "Invalid client or Invalid client credentials", UNKNOWN),
    ("keycloak", 401, "unauthorized_client", "Invalid client or Invalid client credentials", UNKNOWN),
    ("keycloak", 401, "unauthorized_client", "Client not enabled to retrieve service account", REFUSED),
    (
        "keycloak",
        401,
        "unauthorized_client",
        "Public client not allowed to retrieve service account",
        REFUSED,
    ),
    ("keycloak", 401, "invalid_request", "User 'service-account-iea' disabled", REFUSED),
    (
        "keycloak",
        401,
        "invalid_request",
        "The associated service account for the client does not exist",
        REFUSED,
    ),
    ("keycloak", 400, "invalid_scope", "Invalid scopes: iea", REFUSED),
    ("keycloak", 400, "invalid_client", "Missing client_id parameter", UNKNOWN),
    ("keycloak", 400, "unauthorized_client", "Unexpected error when authenticating client", BUSY),
    ("keycloak", 403, "access_denied", "Realm not enabled", BUSY),
    ("keycloak", 403, "invalid_request", "HTTPS required", FORM),
    ("keycloak", 401, "invalid_client", "Client disabled", REFUSED),
    ("keycloak before 20", 400, "invalid_client", "Invalid client credentials", UNKNOWN),
    ("keycloak before 20", 400, "unauthorized_client", "Invalid client credentials", UNKNOWN),
    ("keycloak before 20", 401, "unauthorized_client", "Invalid client secret", UNKNOWN),
    (
        "Entra",
        400,
        "unauthorized_client",
        "AADSTS700016: Application was not found in the directory",
        UNKNOWN,
    ),
    (
        "Entra",
        401,
        "invalid_client",
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
        "not the client secret ID, for a secret added to app '1'.",
        UNKNOWN,
    ),
    ("Entra", 401, "invalid_client", "AADSTS7000222: The provided client secret keys are expired.", REFUSED),
    ("Entra", 400, "unauthorized_client", "AADSTS7000112: Application '1'(iea) is disabled.", REFUSED),
    (
        "Entra",
        400,
        "invalid_resource",
        "AADSTS500011: The resource principal named x was not found in the tenant.",
        REFUSED,
    ),
    (
        "Entra",
        400,
        "invalid_request",
        "AADSTS900144: The request body must contain the following parameter: 'scope'.",
        REFUSED,
    ),
    ("Entra", 400, "temporarily_unavailable", "AADSTS90033: A transient error has occurred.", BUSY),
    ("Auth0", 401, "access_denied", "Unauthorized", UNKNOWN),
    (
        "Auth0",
        403,
        "access_denied",
        'Client is not authorized to access "x". You need a "client-grant".',
        REFUSED,
    ),
    (
        "Auth0",
        403,
        "unauthorized_client",
        "Grant type 'client_credentials' not allowed for the client.",
        REFUSED,
    ),
    ("hydra", 401, "invalid_client", f"{HYDRA} The requested OAuth 2.0 Client does not exist.", UNKNOWN),
    ("hydra", 401, "invalid_client", HYDRA, UNKNOWN),
    (
        "hydra",
        400,
        "unauthorized_client",
        "The client is not authorized to request a token using this method.",
        REFUSED,
    ),
    (
        "GitLab",
        401,
        "invalid_client",
        "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.",
        UNKNOWN,
    ),
    (
        "doorkeeper in French",
        401,
        "invalid_client",
        "L'authentification du client a échoué à cause d'un client inconnu, d'aucune authentification de client incluse, "
        "ou d'une méthode d'authentification non prise en charge.",
        UNKNOWN,
    ),
    ("oauth2-server", 400, "invalid_client", "Invalid client: client is invalid", UNKNOWN),
    ("oauth2-server", 400, "invalid_grant", "Invalid grant: user credentials are invalid", REFUSED),
    ("oauth2-server", 400, "unauthorized_client", "Unauthorized client: `grant_type` is invalid", REFUSED),
    ("glewlwyd", 400, "authorization_type_invalid", "", REFUSED),
    ("glewlwyd", 400, "scope_invalid", "", REFUSED),
    ("glewlwyd", 400, "invalid_grant", "", REFUSED),
    (
        "Okta",
        401,
        "invalid_client",
        "Client authentication failed. Either the client or the client credentials are invalid.",
        UNKNOWN,
    ),
    ("Okta", 400, "access_denied", "Policy evaluation failed for this request.", REFUSED),
    # the key may not be sent in this way: by nobody, or not by this client
    ("a server", 400, "invalid_client", "Unsupported authentication method", FORM),
    ("another server", 401, "invalid_client", "The authentication method is not supported.", FORM),
    (
        "a third server",
        401,
        "invalid_client",
        "Unknown client authentication method 'client_secret_basic'.",
        FORM,
    ),
    ("a fourth server", 400, "invalid_request", "Invalid auth_method", FORM),
    ("in French", 401, "invalid_client", "Méthode d'authentification non prise en charge", FORM),
    ("a fifth server", 401, "invalid_client", "Unsupported authentication method for this client", REFUSED),
    (
        "hydra",
        401,
        "invalid_client",
        "The OAuth 2.0 Client supports client authentication method 'client_secret_post', but method 'client_secret_basic' was requested.",
        REFUSED,
    ),
    ("WSO2", 401, "invalid_client", "A valid OAuth client could not be found for client_id: x", UNKNOWN),
    ("WSO2", 401, "invalid_client", "OAuth application is not in active state.", REFUSED),
    (
        "WSO2",
        400,
        "unauthorized_client",
        "The authenticated client is not authorized to use this authorization grant type",
        REFUSED,
    ),
    ("Spring", 401, "invalid_client", "Bad client credentials", UNKNOWN),
    ("Spring, UAA", 401, "unauthorized", "Bad credentials", UNKNOWN),
    ("Spring, UAA", 401, "unauthorized", "User is disabled", REFUSED),
    (
        "Spring",
        401,
        "unauthorized",
        "An Authentication object was not found in the SecurityContext",
        NO_VERDICT,
    ),
    ("Spring", 401, "unauthorized", "Full authentication is required to access this resource", NO_VERDICT),
    ("IdentityServer", 400, "invalid_client", "", UNKNOWN),
    ("OpenIddict", 401, "invalid_client", "The specified client credentials are invalid.", UNKNOWN),
    (
        "OpenIddict",
        400,
        "unauthorized_client",
        "This client application is not allowed to use the specified grant type.",
        REFUSED,
    ),
    ("a fifth server", 401, "invalid_client", "Invalid client or client credentials.", UNKNOWN),
    ("PingOne", 401, "invalid_client", "Request denied: Client application is not enabled", REFUSED),
    ("Zitadel", 400, "invalid_client", "client not found", UNKNOWN),
    ("Google", 401, "invalid_client", "The OAuth client was not found.", UNKNOWN),
    ("Google", 401, "disabled_client", "The OAuth client was disabled.", REFUSED),
    ("Google", 401, "deleted_client", "The OAuth client was deleted.", REFUSED),
    ("GitHub", 200, "incorrect_client_credentials", "The client_id passed is incorrect.", UNKNOWN),
    ("GitHub", 200, "application_suspended", "Your application has been suspended.", REFUSED),
    ("Salesforce", 400, "invalid_client_id", "client identifier invalid", UNKNOWN),
    ("Salesforce", 400, "invalid_grant", "no client credentials user enabled", REFUSED),
    ("erp.net", 400, "invalid_grant", "Client credentials are invalid or missing", UNKNOWN),
    ("Gluu", 403, "disabled_client", "The client is disabled and can't request an access token", REFUSED),
    (
        "Google",
        401,
        "unauthorized_client",
        "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
        REFUSED,
    ),
    ("Google", 401, "unauthorized_client", "Unauthorized", UNKNOWN),
    ("Salesforce", 400, "inactive_org", "organization is inactive", REFUSED),
    ("Zoho", 200, "invalid_client_secret", "", UNKNOWN),
    ("Kong", 401, "invalid_client", "Invalid client authentication", UNKNOWN),
    ("any", 401, "invalid_client", "client is disabled", REFUSED),
    ("any", 400, "subscription_expired", "", REFUSED),
    ("any", 401, "client_secret_expired", "", REFUSED),
    ("any", 401, "client_authentication_failed", "", UNKNOWN),
    ("any", 400, "unsupported_grant_type", "client_credentials is disabled for this client", REFUSED),
    ("any", 401, "invalid_token", "The access token expired", NO_VERDICT),
    ("any", 400, "invalid_client", "The client has been suspended", REFUSED),
    ("any", 401, "invalid_client", "Account is locked out", REFUSED),
    ("any", 401, "invalid_client", "This licence has expired", REFUSED),
    ("any", 401, "invalid_client", "unknown or disabled client", UNKNOWN),
    ("any", 401, "invalid_client", "Licence suspendue", REFUSED),
    ("any", 401, "invalid_client", "Client désactivé", REFUSED),
    ("any", 401, "invalid_client", "Cette licence n’est plus active", REFUSED),
    ("any", 401, "invalid_client", "Compte bloqué par l'administrateur", REFUSED),
    ("any", 401, "invalid_client", "Licence résiliée le 3 mars", REFUSED),
    ("any", 401, "invalid_client", "Client inconnu ou désactivé", UNKNOWN),
    ("any", 401, "invalid_client", "Identifiant de client introuvable", UNKNOWN),
    ("any", 400, "unauthorized_client", "Unknown client", UNKNOWN),
    ("any", 400, "unauthorized_client", "Clé de licence incorrecte", UNKNOWN),
    ("any", 403, "insufficient_scope", "", REFUSED),
    ("any", 403, "access_denied", "", REFUSED),
    ("any", 400, "invalid_target", "", REFUSED),
    ("any", 400, "temporarily_unavailable", "", BUSY),
    ("any", 400, "slow_down", "", SLOWER),
    ("any", 400, "invalid_request", "TLS 1.0 is disabled on this server", FORM),
    ("any", 400, "invalid_request", "This endpoint is disabled", FORM),
    ("any", 400, "invalid_request", "HTTPS required, plain HTTP is not allowed", FORM),
    ("any", 400, "invalid_request", "Client certificate authentication disabled", FORM),
    ("Kong", 401, "access_denied", "You must use HTTPS", FORM),
    # what is in trouble is the server, or what stands behind it
    ("Entra", 400, "invalid_grant", "AADSTS50033: RetryableError - a transient error.", BUSY),
    (
        "Entra",
        400,
        "invalid_grant",
        "AADSTS50196: The server terminated an operation because of a loop.",
        BUSY,
    ),
    ("Entra", 400, "invalid_request", "AADSTS90012: RequestTimeout - The requested has timed out.", BUSY),
    ("any", 401, "invalid_client", "Authentication backend unavailable, please try again later", BUSY),
    ("any", 401, "invalid_client", "LDAP: connection refused", BUSY),
    ("any", 401, "unauthorized_client", "Annuaire LDAP indisponible, réessayez plus tard", BUSY),
    ("any", 400, "invalid_request", "Service momentanément indisponible", BUSY),
    ("any", 400, "invalid_grant", "Account temporarily disabled, try again later", REFUSED),
    # something else is not the right one
    (
        "Entra",
        400,
        "invalid_request",
        "AADSTS90002: Tenant 'x' not found. Check to make sure you have the correct tenant ID.",
        FORM,
    ),
    ("Auth0", 403, "access_denied", "Service not found: https://iea.example", REFUSED),
    ("Spring, UAA", 401, "unauthorized", "Client not found: IEA-1", UNKNOWN),
    ("Spring, UAA", 401, "unauthorized", "No client with requested id: IEA-1", UNKNOWN),
    ("SAP XSUAA", 401, "unauthorized", "Client authentication failed", UNKNOWN),
    ("any", 401, "invalid_client", "Votre licence n'est pas encore activée", REFUSED),
    ("any", 400, "invalid_request", "Numéro de licence invalide", UNKNOWN),
    ("any", 503, "invalid_client", "", NO_VERDICT),
    ("any", 429, "invalid_client", "", NO_VERDICT),
]


@pytest.mark.parametrize(("dialect", "status", "error", "description", "expected"), DIALECT_ROWS)
def test_each_dialect_is_understood(
    dialect: str, status: int, error: str, description: str, expected: Problem | None
) -> None:
    content = {"error": error} | ({"error_description": description} if description else {})
    assert verdict(answer(status, content)) is expected, dialect


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        # an error code counts whatever stands beside it
        (401, {"error": "INVALID_CLIENT"}, UNKNOWN),
        (401, {"error": " Invalid_Client "}, UNKNOWN),
        (401, {"error": "invalid-client"}, UNKNOWN),
        (401, {"error": "urn:ietf:params:oauth:error:invalid_client"}, UNKNOWN),
        (401, {"error": "invalid_client", "error_description": ["client", "is disabled"]}, REFUSED),
        (401, {"error": "invalid_client", "error_description": {"fr": "Client désactivé"}}, REFUSED),
        (
            401,
            {"error": "invalid_client", "error_description": None, "status": 401, "path": "/token"},
            UNKNOWN,
        ),
        (401, {"error": "invalid_client", "error_description": 17}, UNKNOWN),
        (401, {"error": {"code": "invalid_client", "message": "unknown"}}, UNKNOWN),
        (401, [{"error": "invalid_client"}], UNKNOWN),
        (400, {"errorCode": "invalid_client", "errorSummary": "Invalid value for 'client_id'."}, UNKNOWN),
        (401, {"ErrorCode": "invalid_client", "Error": "ClientId is Invalid"}, UNKNOWN),
        (404, {"error": "invalid_client"}, UNKNOWN),
        (401, {"error": "Invalid client"}, UNKNOWN),
        (401, {"error": "invalidClient"}, UNKNOWN),
        (401, {"code": 401, "message": "invalid_client: client disabled"}, REFUSED),
        (401, {"title": "invalid_client", "status": 401}, UNKNOWN),
        (400, {"error": {"message": "Error validating client secret.", "code": 1}}, UNKNOWN),
        (400, {"reason": "Invalid client_id or client_secret", "error": "invalid_client"}, UNKNOWN),
        (400, b"error=invalid_client&error_description=client+is+disabled", REFUSED),
        (401, b"\xef\xbb\xbf" + b'{"error": "invalid_client"}', UNKNOWN),
        (401, '{"error": "invalid_client"}'.encode("utf-16"), UNKNOWN),
        (
            401,
            '{"error": "invalid_client", "error_description": "Client désactivé"}'.encode("latin-1"),
            REFUSED,
        ),
        (401, b'{"error": "invalid_client", "error_description": "a\nb\t\\x"}', UNKNOWN),
        (401, b'{"error": "invalid_client", "error_description": "cut', UNKNOWN),
        (401, b"<oauth><error>invalid_client</error></oauth>", UNKNOWN),
        (401, {"type": "tag:oracle.com,2020:error/Unauthorized", "code": "Unauthorized"}, UNKNOWN),
        (401, {"fault": {"detail": {"errorcode": "oauth.v2.InvalidClientIdentifier"}}}, UNKNOWN),
        (
            401,
            {"fault": {"detail": {"errorcode": "keymanagement.service.invalid_client-app_not_approved"}}},
            REFUSED,
        ),
        (401, {"fault": {"detail": {"errorcode": "oauth.v2.InvalidAccessToken"}}}, NO_VERDICT),
        # a code may stand three levels deep; further down is what somebody else said
        (401, {"fault": {"a": {"b": {"c": "invalid_client"}}}}, UNKNOWN),
        (401, {"errors": [[["invalid_client"]]]}, UNKNOWN),
        (401, {"fault": {"a": {"b": {"c": {"d": "invalid_client"}}}}}, NO_VERDICT),
        (401, {"errors": [[[["invalid_client"]]]]}, NO_VERDICT),
        # an empty 403: the server gives no reason
        (403, b"", REFUSED),
        (403, b" \n", REFUSED),
        (403, b"[]", REFUSED),
        (403, {}, REFUSED),
        (403, None, REFUSED),
        # frameworks, gateways and pages say nothing about a licence
        (403, {"status": 403, "error": "Forbidden"}, NO_VERDICT),
        (
            403,
            {"timestamp": "2026", "status": 403, "error": "Forbidden", "message": "Access Denied"},
            NO_VERDICT,
        ),
        (401, {"status": 401, "error": "Unauthorized", "message": "Bad credentials"}, NO_VERDICT),
        (401, {"error": "Unauthorized"}, NO_VERDICT),
        (403, {"error": "Access Denied"}, NO_VERDICT),
        (403, {"message": "Forbidden"}, NO_VERDICT),
        (403, {"error": "AccessDenied", "message": "User is not authorized"}, NO_VERDICT),
        (401, {"message": "The invalid_client page is disabled"}, NO_VERDICT),
        (401, {"message": "No API key found in request"}, NO_VERDICT),
        (403, {"message": "Missing Authentication Token"}, NO_VERDICT),
        (401, {"statusCode": 401, "message": "Access denied due to missing subscription key."}, NO_VERDICT),
        (403, {"code": "AccessDenied", "message": "The account is disabled"}, NO_VERDICT),
        (401, {"detail": "Not authenticated"}, NO_VERDICT),
        (401, b"<html><h1>401 Authorization Required</h1></html>", NO_VERDICT),
        (403, b"<html><h1>Client suspended</h1></html>", NO_VERDICT),
        (401, b"", NO_VERDICT),
        (400, b"", NO_VERDICT),
        (400, {"error": "bad request"}, NO_VERDICT),
        (200, {}, NO_VERDICT),
    ],
)
def test_what_judges_a_licence(status: int, content: object, expected: Problem | None) -> None:
    assert verdict(answer(status, content)) is expected


def test_a_code_may_stand_in_the_header_alone() -> None:
    challenge = 'Bearer realm="x", error="invalid_client", error_description="client is disabled"'
    assert verdict(answer(401, b"", {"www-authenticate": challenge})) is REFUSED


@pytest.mark.parametrize(
    ("content", "scope", "ground"),
    [
        (b"", "", RefusalGround(None)),
        ({"error": "invalid_scope"}, "paie", RefusalGround("paie")),
        ({"error": "invalid_scope"}, "", RefusalGround("")),
        ({"error": "invalid_request", "error_description": "scope is required"}, "", RefusalGround("")),
        ({"error": "unauthorized_client"}, "paie", None),
    ],
)
def test_what_a_refusal_is_about(content: object, scope: str, ground: RefusalGround | None) -> None:
    failure = judge_licence(answer(403, content), scope)
    assert failure is not None
    assert (failure.problem, failure.evidence) == (REFUSED, ground)


TOKEN = {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 300}


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, TOKEN),
        answer(201, TOKEN),
        answer(203, TOKEN),
        answer(200, TOKEN | {"token_type": "bearer"}),
        answer(200, TOKEN | {"token_type": "Bearer "}),
        answer(200, TOKEN | {"token_type": "BearerToken"}),
        answer(200, TOKEN | {"token_type": None}),
        answer(200, {"access_token": "t0ken"}),
        answer(200, TOKEN | {"expires_in": [300]}),
        answer(200, TOKEN | {"scope": ["a", "b"]}),
        answer(200, TOKEN | {"error": None}),
        answer(200, [TOKEN]),
        answer(200, b"\xef\xbb\xbf" + json.dumps(TOKEN).encode()),
        answer(200, json.dumps(TOKEN).encode("utf-16")),
        answer(200, b"access_token=t0ken&token_type=bearer&scope="),
    ],
)
def test_a_token_is_a_token(reply: Reply) -> None:
    assert read_token(reply) is not None


@pytest.mark.parametrize("scope", ["paie lecture", "paie,lecture", "paie, lecture", ["paie", "lecture"]])
def test_scopes_are_parted_by_blanks_or_commas(scope: object) -> None:
    token = read_token(answer(200, TOKEN | {"scope": scope}))
    assert token is not None
    assert token.scopes == frozenset({"paie", "lecture"})


@pytest.mark.parametrize(
    "reply",
    [
        answer(400, TOKEN),
        answer(200, TOKEN | {"access_token": ""}),
        answer(200, TOKEN | {"access_token": 7}),
        answer(200, TOKEN | {"token_type": "mac"}),
        answer(200, TOKEN | {"token_type": "DPoP"}),
        answer(200, TOKEN | {"token_type": "pop"}),
        answer(200, [TOKEN, TOKEN]),
        answer(200, b"<html>access_token=t0ken</html>"),
        answer(200, b"[" * 100_000),
        answer(200, b""),
    ],
)
def test_what_is_no_token(reply: Reply) -> None:
    assert read_token(reply) is None


@pytest.mark.parametrize(
    ("asked", "given", "is_refused"),
    [
        ("paie", "paie", False),
        ("paie", ["paie", "lecture"], False),
        ("paie lecture", "paie", True),
        ("paie", "", True),
        ("paie", None, False),
        ("", "lecture", False),
        ("api://x/.default", "lecture", False),
        # OpenID's own are answered in other words: a right licence is not refused for them
        ("openid", "lecture", False),
        ("paie offline_access", "paie", False),
    ],
)
def test_a_token_without_the_right_asked_for(asked: str, given: object, *, is_refused: bool) -> None:
    token = read_token(answer(200, TOKEN | {"scope": given}))
    assert token is not None
    failure = refuse_missing_scope(token, asked)
    assert (failure is not None) is is_refused
    if failure is not None:
        assert failure.evidence == RefusalGround(asked)


@pytest.mark.parametrize(
    "member",
    [
        *("error_description", "errorSummary", "error_hint", "error_reason", "error_message", "errorMessage"),
        *("error_debug", "description", "message", "detail", "details", "reason", "title", "error_codes"),
    ],
)
def test_the_words_of_a_refusal_are_read_wherever_a_server_puts_them(member: str) -> None:
    """They decide between a licence that is refused and one that is not recognised."""
    assert verdict(answer(401, {"error": "invalid_client", member: "client is disabled"})) is REFUSED
    assert verdict(answer(401, {"error": "invalid_client", member: "unknown client"})) is UNKNOWN


@given(st.integers(100, 999), st.binary(max_size=300))
def test_no_body_is_beyond_understanding(status: int, body: bytes) -> None:
    reply = Reply(status, {"www-authenticate": body.decode("latin-1")}, body)
    judge_licence(reply, "")
    read_token(reply)


CODES_OF_AN_UNKNOWN_LICENCE = [
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
CODES_OF_A_REFUSED_LICENCE = [
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
    "invalid_scope",
    "scope_invalid",
    "insufficient_scope",
    "scope_required",
]
CODES_OF_TOO_MANY = ["slow_down", "too_many_requests", "rate_limit_exceeded", "rate_limited"]
CODES_OF_A_SERVER_THAT_FAILED = [
    "server_error",
    "temporarily_unavailable",
    "internal_error",
    "internal_server_error",
]


@pytest.mark.parametrize(
    ("codes", "problem"),
    [
        (CODES_OF_AN_UNKNOWN_LICENCE, UNKNOWN),
        (CODES_OF_A_REFUSED_LICENCE, REFUSED),
        (CODES_OF_TOO_MANY, SLOWER),
        (CODES_OF_A_SERVER_THAT_FAILED, BUSY),
    ],
)
def test_each_code_has_its_meaning(codes: list[str], problem: Problem) -> None:
    assert {code: verdict(answer(400, {"error": code})) for code in codes} == dict.fromkeys(codes, problem)


@pytest.mark.parametrize("status", [300, 407, 408, 421, 425, 429, 500, 503])
def test_a_status_about_the_server_or_the_way_says_nothing_of_the_licence(status: int) -> None:
    assert verdict(answer(status, {"error": "invalid_client"})) is NO_VERDICT


@pytest.mark.parametrize(("code", "wait"), [("slow_down", 90.0), ("invalid_client", None)])
def test_only_a_server_that_is_busy_asks_to_wait(code: str, wait: float | None) -> None:
    failure = judge_licence(answer(400, {"error": code}, {"retry-after": "90"}), "")
    assert failure is not None
    assert failure.retry_after == wait


@pytest.mark.parametrize(
    "member", ["error", "errorcode", "error_code", "code", "error_type", "type", "errors", "fault", "reason"]
)
def test_a_code_may_have_any_of_these_names(member: str) -> None:
    assert verdict(answer(401, {member: "invalid_client"})) is UNKNOWN
