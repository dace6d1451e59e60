"""The system's proxy: cached scripts with a deadline, WinHTTP, the environment."""

from __future__ import annotations

import re
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from iea_agent.domain.addresses import Address, parse
from iea_agent.domain.proxy_choice import Choice, Configuration, ScriptUnusable, Source
from iea_agent.host import system_proxy
from iea_agent.host.system_proxy import ANSWER_SECONDS, FAILURE_SECONDS, ConfiguredProxies, ProxyScripts
from tests.services.conftest import page, raw_server, request_of

SERVER, OTHER = parse("https://serveur.example/updates"), parse("https://autre.example")
PLENTY = 20.0


class Network:
    """The proxy script that a network offers, and the time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.answer: str | None = "a:1"
        self.asked: list[tuple[str, str]] = []

    def ask(self, script: str, address: Address) -> str:
        self.asked.append((script, address.host))
        if self.answer is None:
            raise ScriptUnusable("WinHTTP error 12180")
        return self.answer

    def clock(self) -> float:
        return self.now


class TestScripts:
    """The cache of answers, and scripts that fail."""

    def test_an_answer_is_cached_for_a_minute(self) -> None:
        network = Network()
        scripts = ProxyScripts(network.ask, network.clock)
        assert scripts.evaluate("p", SERVER, PLENTY) == "a:1"

        network.answer = "b:2"
        network.now += ANSWER_SECONDS - 1
        assert scripts.evaluate("p", SERVER, PLENTY) == "a:1"
        assert len(network.asked) == 1

        network.now += 1
        assert scripts.evaluate("p", SERVER, PLENTY) == "b:2"

    def test_each_script_and_each_server_has_its_own(self) -> None:
        network = Network()
        scripts = ProxyScripts(network.ask, network.clock)
        for script in ("p", "q", "p"):
            for address in (SERVER, OTHER, parse("https://serveur.example/")):
                scripts.evaluate(script, address, PLENTY)
        assert network.asked == [
            ("p", "serveur.example"),
            ("p", "autre.example"),
            ("q", "serveur.example"),
            ("q", "autre.example"),
        ]

    def test_a_network_without_a_script_is_not_asked_again_at_once_for_any_server(self) -> None:
        network = Network()
        network.answer = None
        scripts = ProxyScripts(network.ask, network.clock)
        for address in (SERVER, OTHER):
            with pytest.raises(ScriptUnusable, match="12180"):
                scripts.evaluate("", address, PLENTY)
        assert len(network.asked) == 1

        network.answer = "a:1"
        network.now += FAILURE_SECONDS
        assert scripts.evaluate("", SERVER, PLENTY) == "a:1"

    def test_the_last_good_answer_holds_while_the_script_fails(self) -> None:
        network = Network()
        scripts = ProxyScripts(network.ask, network.clock)
        scripts.evaluate("p", SERVER, PLENTY)

        network.answer = None
        network.now += ANSWER_SECONDS
        for _ in range(3):
            assert scripts.evaluate("p", SERVER, PLENTY) == "a:1"
        assert len(network.asked) == 2

        network.answer = "b:2"
        network.now += FAILURE_SECONDS
        assert scripts.evaluate("p", SERVER, PLENTY) == "b:2"

    def test_what_comes_too_late_is_dropped(self) -> None:
        begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

        def ask(_script: str, _address: Address) -> str:
            begun.set()
            go_on.wait(PLENTY)
            ended.set()
            return "late:1"

        network = Network()
        scripts = ProxyScripts(ask, network.clock)
        with pytest.raises(ScriptUnusable, match=r"within 0\.1 s"):
            scripts.evaluate("p", SERVER, 0.1)
        assert begun.is_set()
        go_on.set()
        assert ended.wait(PLENTY)
        with pytest.raises(ScriptUnusable):
            scripts.evaluate("p", SERVER, PLENTY)

    def test_an_error_of_ours_is_not_taken_for_the_scripts(self) -> None:
        def ask(_script: str, _address: Address) -> str:
            raise LookupError("a mistake")

        with pytest.raises(LookupError):
            ProxyScripts(ask).evaluate("p", SERVER, PLENTY)


class TestConfigured:
    """The choice by a setting."""

    def test_a_changed_setting_counts_at_once(self) -> None:
        settings = [Configuration(servers="a:1"), Configuration(), Configuration(script="p")]
        system = ConfiguredProxies(lambda: settings.pop(0), lambda *_: "b:2")

        assert system.choose(SERVER) == Choice(parse("http://a:1"), Source.SYSTEM)
        assert system.choose(SERVER) == Choice()
        assert system.choose(SERVER) == Choice(parse("http://b:2"), Source.OPEN_SCRIPT)

    def test_the_fixed_proxy_stands_whatever_scripts_say(self) -> None:
        setting = Configuration(detect=True, script="p", servers="a:1", bypass="exempt.fr")
        system = ConfiguredProxies(lambda: setting, lambda *_: "b:2")
        assert system.choose(SERVER).proxy == parse("http://b:2")
        assert system.find_fixed(SERVER) == parse("http://a:1")
        assert system.find_fixed(parse("https://exempt.fr")) is None

    def test_another_network_is_asked_anew(self) -> None:
        network = Network()
        system = ConfiguredProxies(lambda: Configuration(detect=True), network.ask)
        assert system.choose(SERVER).proxy == parse("http://a:1")
        network.answer = "b:2"
        assert system.choose(SERVER).proxy == parse("http://a:1")

        system.forget_answers()

        assert system.choose(SERVER).proxy == parse("http://b:2")

    def test_what_was_asked_in_the_old_network_does_not_count_in_the_new_one(self) -> None:
        begun, go_on = threading.Event(), threading.Event()

        def ask(_script: str, address: Address) -> str:
            if address == OTHER:
                begun.set()
                go_on.wait(PLENTY)
                return "old:1"
            return "new:1"

        system = ConfiguredProxies(lambda: Configuration(script="p"), ask)
        choices: list[Choice] = []
        late = threading.Thread(target=lambda: choices.append(system.choose(OTHER)))
        late.start()
        assert begun.wait(PLENTY)
        system.forget_answers()
        go_on.set()
        late.join(PLENTY)
        assert [choice.proxy for choice in choices] == [parse("http://old:1")]

        go_on.clear()
        begun.clear()
        again = threading.Thread(target=lambda: system.choose(OTHER))
        again.start()
        assert begun.wait(PLENTY), "asked again: the old answer was not cached"
        go_on.set()
        again.join(PLENTY)


@pytest.mark.linux
class TestEnvironment:
    """The variables that other programs use, too."""

    @pytest.fixture(autouse=True)
    def nothing_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)

    def test_by_scheme(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert system_proxy.current_proxies().choose(SERVER) == Choice()
        monkeypatch.setenv("http_proxy", "http://a:1")
        assert system_proxy.current_proxies().choose(SERVER) == Choice()
        monkeypatch.setenv("https_proxy", "b:2")
        assert system_proxy.current_proxies().choose(SERVER) == Choice(parse("http://b:2"), Source.SYSTEM)
        assert system_proxy.current_proxies().choose(parse("http://serveur.example")).proxy == parse(
            "http://a:1"
        )

    def test_bypass_list(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("all_proxy", "http://a:1")
        monkeypatch.setenv("no_proxy", "autre.example")
        assert system_proxy.current_proxies().choose(SERVER).proxy == parse("http://a:1")
        assert system_proxy.current_proxies().choose(OTHER).proxy is None
        for host in ("localhost", "127.0.0.1", "[::1]"):
            assert system_proxy.current_proxies().choose(parse(f"https://{host}:8443")) == Choice()

    def test_an_unusable_address_is_ignored(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://user:password@a:1")
        choice = system_proxy.current_proxies().choose(SERVER)
        assert (choice.proxy, choice.detail) == (None, "not understood: credentials")


if sys.platform == "win32":
    from rig.windows_proxy import DETECT, SCRIPT, WindowsProxy
    from rig.windows_proxy import SERVER as PROXY

    class ScriptServer:
        """A server of proxy scripts, each with a name of its own, as WinHTTP caches them."""

        def __init__(self, running: ExitStack) -> None:
            self.scripts: dict[str, str] = {}
            self.fetched: list[str] = []
            raw = running.enter_context(raw_server(self._serve))
            self._address = f"http://127.0.0.1:{raw.port}"

        def offer(self, name: str, body: str) -> str:
            """Return the address of a script whose function has *body*."""
            self.scripts[f"/{name}"] = f"function FindProxyForURL(url, host) {{ {body} }}"
            return f"{self._address}/{name}"

        def missing(self, name: str) -> str:
            """Return an address without a script."""
            return f"{self._address}/{name}"

        def _serve(self, connection: socket.socket) -> None:
            path = request_of(connection).split()[1].decode()
            self.fetched.append(path)
            script = self.scripts.get(path)
            kind = "Content-Type: application/x-ns-proxy-autoconfig"
            answer = page("404 Not Found") if script is None else page("200 OK", script.encode(), kind)
            connection.sendall(answer)

    @pytest.fixture
    def server() -> Iterator[ScriptServer]:
        """Return a running server of scripts."""
        with ExitStack() as running:
            yield ScriptServer(running)

    class TestSetting:
        """The setting in the registry as WinHTTP reads it."""

        def test_each_part(self, windows_proxy: WindowsProxy) -> None:
            windows_proxy.write(0)
            assert system_proxy.read_user_setting() == Configuration()
            windows_proxy.write(PROXY, "p:3128", "<local>;*.exempt.fr")
            assert system_proxy.read_user_setting() == Configuration(
                servers="p:3128", bypass="<local>;*.exempt.fr"
            )
            windows_proxy.write(SCRIPT, script="http://pac.example/p.pac")
            assert system_proxy.read_user_setting() == Configuration(script="http://pac.example/p.pac")
            windows_proxy.write(DETECT)
            assert system_proxy.read_user_setting() == Configuration(detect=True)
            windows_proxy.write(
                PROXY | SCRIPT | DETECT, "http=h:1;https=s:2", "*.fr", "http://pac.example/p.pac"
            )
            assert system_proxy.read_user_setting() == Configuration(
                True, "http://pac.example/p.pac", "http=h:1;https=s:2", "*.fr"
            )

        def test_static(self, windows_proxy: WindowsProxy) -> None:
            windows_proxy.write(PROXY, "http=h:1;https=s:2", "*.exempt.fr;<local>")
            system = system_proxy.current_proxies()
            assert system.choose(SERVER) == Choice(parse("http://s:2"), Source.SYSTEM)
            assert system.choose(parse("http://serveur.example")).proxy == parse("http://h:1")
            for host in ("www.exempt.fr", "intranet", "localhost"):
                assert system.choose(parse(f"https://{host}")).proxy is None

    class TestWinHttp:
        """Scripts that Windows fetches and runs."""

        def test_a_script_decides_by_server(self, windows_proxy: WindowsProxy, server: ScriptServer) -> None:
            script = server.offer(
                "by-server.pac",
                "if (shExpMatch(host, '*.direct.fr')) return 'DIRECT';"
                "return url.substring(0, 6) == 'https:' ? 'PROXY a:1; PROXY b:2; DIRECT' : 'PROXY h:3';",
            )
            windows_proxy.write(SCRIPT, script=script)
            system = system_proxy.current_proxies()
            assert system.choose(SERVER) == Choice(parse("http://a:1"), Source.OPEN_SCRIPT)
            assert system.choose(parse("http://serveur.example")).proxy == parse("http://h:3")
            assert system.choose(parse("https://www.direct.fr")) == Choice(None, Source.OPEN_SCRIPT)
            assert server.fetched == ["/by-server.pac"]

        def test_a_script_gets_no_path(self, windows_proxy: WindowsProxy, server: ScriptServer) -> None:
            asked = "return url == 'https://serveur.example:8443/' ? 'PROXY a:1' : 'DIRECT';"
            windows_proxy.write(SCRIPT, script=server.offer("path.pac", asked))
            assert (
                system_proxy.current_proxies().choose(parse("https://serveur.example:8443/updates")).proxy
                is not None
            )

        @pytest.mark.parametrize("body", ["return nothing.there;", "this is ( no script"])
        def test_a_script_that_fails(
            self, windows_proxy: WindowsProxy, server: ScriptServer, body: str
        ) -> None:
            script = server.offer(f"fails-{len(body)}.pac", body)
            windows_proxy.write(SCRIPT, script=script)
            fault = system_proxy.current_proxies().choose(SERVER).unusable
            assert fault is not None
            assert fault.script == script
            assert re.fullmatch(r"WinHTTP error \d+", fault.reason)

        def test_a_script_that_decides_nothing(
            self, windows_proxy: WindowsProxy, server: ScriptServer
        ) -> None:
            windows_proxy.write(SCRIPT, script=server.offer("null.pac", "return null;"))
            choice = system_proxy.current_proxies().choose(SERVER)
            assert choice.proxy is None
            if choice.unusable is None:
                # Wine 10
                assert choice.source is Source.OPEN_SCRIPT
            else:
                # Wine 8
                assert choice.unusable.reason.startswith("WinHTTP error")

        def test_a_script_that_is_not_there(self, windows_proxy: WindowsProxy, server: ScriptServer) -> None:
            windows_proxy.write(SCRIPT, script=server.missing("missing.pac"))
            fault = system_proxy.current_proxies().choose(SERVER).unusable
            assert fault is not None
            assert fault.reason == "WinHTTP error 12167"

        def test_a_static_setting_is_the_fallback(
            self, windows_proxy: WindowsProxy, server: ScriptServer
        ) -> None:
            windows_proxy.write(SCRIPT | PROXY, "p:3128", script=server.missing("missing-too.pac"))
            choice = system_proxy.current_proxies().choose(SERVER)
            assert (choice.proxy, choice.source) == (parse("http://p:3128"), Source.SYSTEM)
            assert "12167" in choice.detail

        def test_a_server_that_never_answers_is_not_waited_for(self) -> None:
            asked = threading.Event()

            def silent(connection: socket.socket) -> None:
                request_of(connection)
                asked.set()
                connection.recv(1)

            with raw_server(silent) as raw:
                script = f"http://127.0.0.1:{raw.port}/silent.pac"
                with pytest.raises(ScriptUnusable, match="within"):
                    ProxyScripts(system_proxy.ask_winhttp).evaluate(script, SERVER, 0.3)
                assert asked.wait(PLENTY), "WinHTTP did ask"

        def test_a_network_that_offers_no_script_is_no_failure(self, windows_proxy: WindowsProxy) -> None:
            """``tests/rig/test_wine_tour.py`` covers a network that offers one."""
            windows_proxy.write(DETECT)
            choice = system_proxy.current_proxies().choose(SERVER)
            assert (choice.proxy, choice.source) == (None, Source.NONE)
            assert choice.detail.startswith("no script from the network: WinHTTP error 12180")
