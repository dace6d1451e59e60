"""The two servers of an installation: routes, connections, tests and repairs."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent.domain import problems
from iea_agent.domain.settings import ProxyMode, Settings, split_list
from iea_agent.host import is_offline

from .installation import Installation, find_named_proxy

if TYPE_CHECKING:
    from iea_agent.domain.addresses import Address
    from iea_agent.domain.announced_change import Rehearsal
    from iea_agent.domain.diagnosis import Failure, Server, ServerReport
    from iea_agent.domain.proxy_password import ProxyPassword
    from iea_agent.domain.repairs import Repair
    from iea_agent.host.system_proxy import SystemProxies
    from iea_agent.services.certificates import BuildChain
    from iea_agent.services.explanation import Explanation
    from iea_agent.services.https import Client
    from iea_agent.services.messages import Reply, Request
    from iea_agent.services.network import Route
    from iea_agent.services.proxy_sign_in import BeginExchange
    from iea_agent.services.secret_verdicts import SecretVerdicts

    from .issuer_record import IssuerRecord


log = logging.getLogger("iea_agent.updates")


@dataclass(frozen=True)
class Servers:
    """Reaches and tests the servers with the secrets of *installation*."""

    installation: Installation

    @cached_property
    def proxies(self) -> SystemProxies:
        """The system's choice of proxies, remembered until the network changes."""
        return self.installation.proxies

    @cached_property
    def verdicts(self) -> SecretVerdicts:
        """Which secrets were refused, so that none is shown again by itself."""
        from iea_agent.services.secret_verdicts import SecretVerdicts

        return SecretVerdicts()

    @cached_property
    def sign_in(self) -> BeginExchange | None:
        """What makes the messages of the Windows sign-in, None on other systems."""
        if sys.platform == "win32":
            from iea_agent.host.windows_sign_in import begin_exchange

            return begin_exchange
        else:  # noqa: RET505 mypy needs it to leave the other system's out
            return None

    @cached_property
    def build_chain(self) -> BuildChain | None:
        """What builds chains and knows revocations, None on other systems."""
        if sys.platform == "win32":
            from iea_agent.host.windows_chains import ChainBuilder
            from iea_agent.services.certificates import BuiltChain

            builder = ChainBuilder()
            return lambda sent: BuiltChain(*builder.build(sent))
        else:  # noqa: RET505 mypy needs it to leave the other system's out
            return None

    @cached_property
    def issuers(self) -> IssuerRecord:
        """The usual certificate issuer of each server."""
        from .issuer_record import IssuerRecord

        return IssuerRecord(self.installation.storage)

    def give_password(self, settings: Settings, typed: str | None) -> ProxyPassword | None:
        """Return the *typed* password with the proxy of *settings*, for which it is given."""
        from iea_agent.domain.proxy_password import ProxyPassword

        return None if typed is None else ProxyPassword(find_named_proxy(settings, self.proxies), typed)

    def route(
        self, settings: Settings, address: Address, proxy_password: ProxyPassword | None = None
    ) -> Route:
        """Return the route to *address* under *settings*, and what decided it.

        Uses *proxy_password* before the one in the vault; either goes only to the proxy
        for which it was given. May wait
        ``system_proxy.CHOICE_SECONDS`` for a proxy script, and for the vault.
        Raises ``HttpsError``.
        """
        from iea_agent.domain import proxy_choice
        from iea_agent.domain.diagnosis import Failure, Stage
        from iea_agent.domain.evidence import ProxyScript
        from iea_agent.host.vault import VaultUnavailable
        from iea_agent.services.certificates import read_regular
        from iea_agent.services.https import HttpsError
        from iea_agent.services.network import Credentials, Route

        by_system = settings.proxy_mode is ProxyMode.SYSTEM
        decide = self.proxies.choose if by_system else partial(proxy_choice.choose_by_settings, settings)
        choice = decide(address)
        credentials = None
        if proxy_choice.may_authenticate(choice, settings):
            try:
                given = proxy_password or self.installation.proxy_password()
            except VaultUnavailable as error:
                detail = type(error.__cause__).__name__
                raise HttpsError(Failure(Stage.PROXY, problems.VAULT_UNAVAILABLE, detail)) from None
            if given is not None and given.is_for(choice.proxy):
                credentials = Credentials(settings.proxy_user, given.password)
        script_failure: Failure | None = None
        if choice.unusable is not None:
            script = ProxyScript(choice.unusable.script) if choice.unusable.script else None
            reason = choice.unusable.reason
            script_failure = Failure(Stage.PROXY, problems.PROXY_SCRIPT_UNUSABLE, reason, evidence=script)
        ca_file = Path(settings.ca_file) if settings.ca_file else None
        return Route(
            choice.proxy,
            ca_file,
            credentials,
            settings.ipv4_only,
            source=choice.source,
            detail=choice.detail,
            script_failure=script_failure,
            is_proxy_trusted=proxy_choice.is_trusted(choice, settings),
            pins=split_list(settings.pins),
            read_ca=self.installation.storage.choose_reader(ca_file) or read_regular,
        )

    def connect(
        self, settings: Settings, proxy_password: ProxyPassword | None = None
    ) -> Callable[[Address], Client]:
        """Return a function that makes a server's client or raises ``HttpsError``."""

        def make_client(address: Address) -> Client:
            from iea_agent.services.https import Client

            route = self.route(settings, address, proxy_password)
            return Client(
                route,
                online=lambda: not is_offline(),
                verdicts=self.verdicts,
                sign_in=self.sign_in,
                build_chain=self.build_chain,
            )

        return make_client

    def _by_system_proxy(
        self, settings: Settings, proxy_password: ProxyPassword | None = None
    ) -> Callable[[Address], Client] | None:
        """Return what reaches servers by the system's proxy, None if *settings* do."""
        if settings.proxy_mode is ProxyMode.SYSTEM:
            return None
        return self.connect(replace(settings, proxy_mode=ProxyMode.SYSTEM), proxy_password)

    def explain(self, settings: Settings, client: Client, address: Address, failure: Failure) -> Explanation:
        """Return what explains *failure*, which *client* met at *address*.

        It is what a test of the servers would find. Takes 6 s at most.
        """
        from iea_agent.services import explanation

        self._learn_products()
        return explanation.explain(
            client,
            address,
            failure,
            seconds=2 * explanation.PROBE_SECONDS,
            by_system_proxy=self._by_system_proxy(settings),
        )

    def examine(
        self,
        settings: Settings,
        typed_key: str | None = None,
        proxy_password: str | None = None,
        on_progress: Callable[[ServerReport], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> tuple[ServerReport, ...]:
        """Test both servers with *settings* and save nothing.

        Uses *typed_key* and *proxy_password* before the secrets in the vault, and asks
        the system again for its proxy. Shows a refused password again, once: a person
        asks for it. Skips the licence stage without a licence.
        """
        from iea_agent.domain.diagnosis import Server
        from iea_agent.host.vault import VaultUnavailable
        from iea_agent.services import reachability

        try:
            licence = self.installation.licence(settings, typed_key)
        except VaultUnavailable:
            licence = None
        self._learn_products()
        self.proxies.forget_answers()
        self.verdicts.forget()
        given = self.give_password(settings, proxy_password)
        reports = reachability.examine(
            {Server.AUTHENTICATION: settings.authentication, Server.UPDATES: settings.updates},
            self.connect(settings, given),
            licence,
            on_progress or (lambda _report: None),
            now=datetime.now(UTC),
            verify=self._verify_and_bring if self._has_root() else None,
            cancelled=cancelled,
            by_system_proxy=self._by_system_proxy(settings, given),
        )
        return tuple(self.issuers.record(report, time.time()) for report in reports)

    def _learn_products(self) -> None:
        """Know the products that intercept as the publisher's policy has them now, too."""
        from iea_agent.domain import interceptors

        policy = self.installation.texts.load_policy()
        interceptors.use_newer(() if policy is None else policy.interceptors)

    def rehearse(self, wanted: Settings, present: Settings) -> tuple[Rehearsal, str]:
        """Test the servers of *wanted* that are not those of *present*; shows no licence.

        Where one fails, the present one tells if it is the network's fault.
        """
        from iea_agent.domain.announced_change import Rehearsal
        from iea_agent.domain.diagnosis import Server

        servers = {Server.AUTHENTICATION: "authentication", Server.UPDATES: "updates"}
        changed = [
            server for server, name in servers.items() if getattr(wanted, name) != getattr(present, name)
        ]
        failure = self._find_failure({server: getattr(wanted, servers[server]) for server in changed}, wanted)
        if failure is None:
            return Rehearsal.PASSED, ""
        before = {server: getattr(present, servers[server]) for server in changed}
        is_here = self._find_failure(before, present) is None
        return (Rehearsal.FAILED if is_here else Rehearsal.UNCLEAR), failure.problem.code

    def _find_failure(self, targets: Mapping[Server, str], settings: Settings) -> Failure | None:
        from iea_agent.services import reachability

        reports = reachability.examine(
            targets, self.connect(settings), None, lambda _report: None, now=datetime.now(UTC)
        )
        return next((report.failure for report in reports if report.failure is not None), None)

    def _has_root(self) -> bool:
        """Return whether there is a root file, even one that cannot be used."""
        try:
            return (
                self.installation.storage.read_administrators_file(self.installation.root_file, 0) is not None
            )
        except OSError:
            return True

    def _verify(self, ask: Callable[[Request, int], Reply], address: Address, timestamp: bytes) -> str:
        # imported here: tuf takes 0.1 s and 25 MB, and nothing else needs it
        from iea_agent.services import updates

        root, folder = self.read_root(updates.LARGEST), self.installation.updates_folder
        return str(updates.check(ask, address, root, folder, timestamp=timestamp))

    def read_root(self, largest: int) -> bytes:
        """Return the trust root of the updates, of *largest* bytes at most; b"" for none.

        Raises ``HttpsError`` if it cannot be read, or if others than an administrator can write it.
        """
        from iea_agent.domain.diagnosis import Failure, Stage
        from iea_agent.domain.evidence import FileInvolved
        from iea_agent.services.https import HttpsError

        file = self.installation.root_file
        try:
            return self.installation.storage.read_administrators_file(file, largest) or b""
        except OSError as error:
            detail = f"{error.filename}: {type(error).__name__}: [Errno {error.errno}] {error.strerror}"
            failure = Failure(
                Stage.METADATA, problems.POLICY_UNUSABLE, detail, evidence=FileInvolved(str(file))
            )
            raise HttpsError(failure) from error

    def _verify_and_bring(
        self, ask: Callable[[Request, int], Reply], address: Address, timestamp: bytes
    ) -> str:
        """Verify, and bring the publisher's texts: whoever tests has a failure to explain."""
        verified = self._verify(ask, address, timestamp)
        self.bring_texts(ask, str(address))
        return verified

    def bring_texts(self, ask: Callable[[Request, int], Reply], address: str) -> None:
        """Bring the publisher's texts that the metadata on this PC name.

        To be called when these were just verified. What prevents it is for the log.
        """
        from iea_agent.services.https import HttpsError
        from iea_agent.services.messages import Request
        from iea_agent.services.updates import TargetError

        from .publisher_texts import bring_texts

        def fetch(path: str, largest: int) -> bytes:
            return ask(Request("GET", f"{address}/targets/{path}"), largest).body

        try:
            bring_texts(self.installation, fetch)
        except (HttpsError, TargetError, OSError) as error:
            log.info("texts not brought", extra={"fields": {"reason": str(error)}})

    def repairs(
        self,
        settings: Settings,
        proxy_password: str | None,
        reports: Sequence[ServerReport],
        on_found: Callable[[Repair], None],
        cancelled: threading.Event,
    ) -> tuple[Repair, ...] | None:
        """Return what repairs a failed test of *settings*, apart from the locked ones."""
        from iea_agent.domain.repairs import propose_repairs
        from iea_agent.services import repair_search

        # for the proxy that was tested, not for one that a repair names
        given = self.give_password(settings, proxy_password)
        return repair_search.search(
            propose_repairs(settings, reports, self.installation.storage.load().effective.locked),
            settings,
            reports,
            lambda changed: self.connect(changed, given),
            on_found,
            now=datetime.now(UTC),
            cancelled=cancelled,
        )
