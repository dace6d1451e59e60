"""Serve authlib and django-oauth-toolkit over HTTPS on loopback, from one Django.

The licences come on stdin; the server ends when it is closed.

usage:  python django_server.py CERTIFICATE.pem    (private key and chain in one file)
stdin:  one line, {"name": {"number": …, "key": …}, …}
stdout: one line when ready, {"issuer": "https://localhost:PORT"}; each server's own is below: /authlib, /django-oauth-toolkit
"""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Mapping
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from authlib.integrations.django_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, list_to_scope, scope_to_list
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from django.apps import apps
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

SCOPES = ("iea", "lecture")
ALLOWED = {"limited": ("lecture",)}
"""The scopes of a licence, where these are not all."""
FORBIDDEN = "no-grant"
"""The licence that client credentials are not for."""


class Client(ClientMixin):  # type: ignore[misc]  # authlib has no types
    """A client of authlib: what its documentation shows, on a licence."""

    def __init__(self, name: str, key: str) -> None:
        self.name, self.key = name, key

    def check_client_secret(self, secret: str) -> bool:
        return secret == self.key

    def check_endpoint_auth_method(self, method: str, _: str) -> bool:
        return method == "client_secret_basic"

    def check_grant_type(self, grant: str) -> bool:
        return grant == "client_credentials" and self.name != FORBIDDEN

    def get_allowed_scope(self, asked: str | None) -> str:
        allowed = ALLOWED.get(self.name, SCOPES)
        return str(list_to_scope([scope for scope in scope_to_list(asked or "") if scope in allowed]))


class Authlib(AuthorizationServer):  # type: ignore[misc]
    """authlib's server, with clients in memory and without stored tokens."""

    def __init__(self, licences: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__(None, None)
        self.scopes_supported = SCOPES
        self.clients = {given["number"]: Client(name, given["key"]) for name, given in licences.items()}
        self.register_grant(ClientCredentialsGrant)

    def query_client(self, number: str) -> Client | None:
        return self.clients.get(number)

    def save_token(self, *_: object) -> None:
        pass


def describe_authlib(request: HttpRequest) -> JsonResponse:
    """RFC 8414: authlib leaves that to the site."""
    issuer = request.build_absolute_uri("/authlib")
    return JsonResponse({"issuer": issuer, "token_endpoint": f"{issuer}/token"})


class Scopes:
    """What django-oauth-toolkit asks about scopes."""

    def get_all_scopes(self) -> dict[str, str]:
        return {scope: scope for scope in SCOPES}

    def get_available_scopes(
        self, application: django.db.models.Model | None = None, *_: object, **__: object
    ) -> list[str]:
        return list(SCOPES if application is None else ALLOWED.get(application.name, SCOPES))

    get_default_scopes = get_available_scopes


def fill(licences: Mapping[str, Mapping[str, str]]) -> None:
    """django-oauth-toolkit's applications, in its own table."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    application = apps.get_model("oauth2_provider", "Application")
    for name, given in licences.items():
        application.objects.create(
            name=name,
            client_id=given["number"],
            client_secret=given["key"],
            client_type=application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=(
                application.GRANT_PASSWORD if name == FORBIDDEN else application.GRANT_CLIENT_CREDENTIALS
            ),
        )


class Handler(WSGIRequestHandler):
    """Speaks of nothing."""

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    licences = json.loads(sys.stdin.readline())
    settings.configure(
        ALLOWED_HOSTS=["localhost"],
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
        MIGRATION_MODULES={"auth": None, "contenttypes": None, "oauth2_provider": None},  # tables at once
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # quick
        OAUTH2_PROVIDER={"SCOPES_BACKEND_CLASS": Scopes},
        DEBUG_PROPAGATE_EXCEPTIONS=True,  # onto standard error
        SECRET_KEY="of no use",
        USE_TZ=True,
    )
    django.setup()
    authlib = Authlib(licences)
    settings.ROOT_URLCONF = (
        path(".well-known/oauth-authorization-server/authlib", describe_authlib),
        path("authlib/token", authlib.create_token_response),
        path("django-oauth-toolkit/", include("oauth2_provider.urls")),
    )
    fill(licences)
    server = WSGIServer(("localhost", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.base_environ["HTTPS"] = "on"
    server.set_app(WSGIHandler())

    def end() -> None:
        sys.stdin.read()
        server.shutdown()

    Thread(target=end, daemon=True).start()
    print(json.dumps({"issuer": f"https://localhost:{server.server_port}"}), flush=True)
    server.serve_forever(poll_interval=0.05)  # on this thread: sqlite's memory belongs to one


if __name__ == "__main__":
    main()
