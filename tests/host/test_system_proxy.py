"""The system's proxy: scripts asked with a deadline and a memory; Windows' own setting and WinHTTP; the environment elsewhere."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from iea_agent.domain.addresses import Address, parse
from iea_agent.domain.proxy_choice import Choice, Configuration, ScriptUnusable, Source
from iea_agent.host import system_proxy
from iea_agent.host.system_proxy import FAILED_SECONDS, KEPT_SECONDS, Configured, Scripts
from tests.services.conftest import page, raw_server, request_of

SERVER, OTHER = parse("https://serveur.example/updates"), parse("https://autre.example")
PLENTY = 20.0


class Network:
    """Proxy scripts as a network offers them, and the time."""

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
    """What is kept, for how long, and what happens when nobody answers."""

    def test_an_answer_is_kept_for_a_minute(self) -> None:
        network = Network()
        scripts = Scripts(network.ask, network.clock)
        assert scripts.evaluate("p", SERVER, PLENTY) == "a:1"

        network.answer = "b:2"
        network.now += KEPT_SECONDS - 1
        assert scripts.evaluate("p", SERVER, PLENTY) == "a:1"
        assert len(network.asked) == 1

        network.now += 1
        assert scripts.evaluate("p", SERVER, PLENTY) == "b:2"

    def test_each_script_and_each_server_has_its_own(self) -> None:
        network = Network()
        scripts = Scripts(network.ask, network.clock)
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
        scripts = Scripts(network.ask, network.clock)
        for address in (SERVER, OTHER):
            with pytest.raises(ScriptUnusable, match="12180"):
                scripts.evaluate("", address, PLENTY)
        assert len(network.asked) == 1

        network.answer = "a:1"
        network.now += FAILED_SECONDS
        assert scripts.evaluate("", SERVER, PLENTY) == "a:1"

    def test_the_last_good_answer_holds_while_the_script_fails(self) -> None:
        network = Network()
        scripts = Scripts(network.ask, network.clock)
        scripts.evaluate("p", SERVER, PLENTY)

        network.answer = None
        network.now += KEPT_SECONDS
        for _ in range(3):
            assert scripts.evaluate("p", SERVER, PLENTY) == "a:1"
        assert len(network.asked) == 2

        network.answer = "b:2"
        network.now += FAILED_SECONDS
        assert scripts.evaluate("p", SERVER, PLENTY) == "b:2"

    def test_what_comes_too_late_is_dropped(self) -> None:
        begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

        def ask(_script: str, _address: Address) -> str:
            begun.set()
            go_on.wait(PLENTY)
            ended.set()
            return "late:1"

        network = Network()
        scripts = Scripts(ask, network.clock)
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
            Scripts(ask).evaluate("p", SERVER, PLENTY)


class TestConfigured:
    """The choice by a setting."""

    def test_a_changed_setting_is_heeded_at_once(self) -> None:
        settings = [Configuration(servers="a:1"), Configuration(), Configuration(script="p")]
        system = Configured(lambda: settings.pop(0), lambda *_: "b:2")

        assert system.choose(SERVER) == Choice(parse("http://a:1"), Source.SYSTEM)
        assert system.choose(SERVER) == Choice()
        assert system.choose(SERVER) == Choice(parse("http://b:2"), Source.SCRIPT)

    def test_another_network_is_asked_anew(self) -> None:
        network = Network()
        system = Configured(lambda: Configuration(detect=True), network.ask)
        assert system.choose(SERVER).proxy == parse("http://a:1")
        network.answer = "b:2"
        assert system.choose(SERVER).proxy == parse("http://a:1")

        system.forget()

        assert system.choose(SERVER).proxy == parse("http://b:2")

    def test_what_was_asked_in_the_old_network_does_not_count_in_the_new_one(self) -> None:
        begun, go_on = threading.Event(), threading.Event()

        def ask(_script: str, address: Address) -> str:
            if address == OTHER:
                begun.set()
                go_on.wait(PLENTY)
                return "old:1"
            return "new:1"

        system = Configured(lambda: Configuration(script="p"), ask)
        found: list[Choice] = []
        late = threading.Thread(target=lambda: found.append(system.choose(OTHER)))
        late.start()
        assert begun.wait(PLENTY)
        system.forget()
        go_on.set()
        late.join(PLENTY)
        assert [choice.proxy for choice in found] == [parse("http://old:1")]

        go_on.clear()
        begun.clear()
        again = threading.Thread(target=lambda: system.choose(OTHER))
        again.start()
        assert begun.wait(PLENTY), "asked again: the old answer was not kept"
        go_on.set()
        again.join(PLENTY)


@pytest.mark.linux
class TestEnvironment:
    """The variables that other programs heed, too."""

    @pytest.fixture(autouse=True)
    def nothing_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)

    def test_by_scheme(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert system_proxy.here().choose(SERVER) == Choice()
        monkeypatch.setenv("http_proxy", "http://a:1")
        assert system_proxy.here().choose(SERVER) == Choice()
        monkeypatch.setenv("https_proxy", "b:2")
        assert system_proxy.here().choose(SERVER) == Choice(parse("http://b:2"), Source.SYSTEM)
        assert system_proxy.here().choose(parse("http://serveur.example")).proxy == parse("http://a:1")

    def test_exemptions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("all_proxy", "http://a:1")
        monkeypatch.setenv("no_proxy", "autre.example")
        assert system_proxy.here().choose(SERVER).proxy == parse("http://a:1")
        assert system_proxy.here().choose(OTHER).proxy is None
        for host in ("localhost", "127.0.0.1", "[::1]"):
            assert system_proxy.here().choose(parse(f"https://{host}:8443")) == Choice()

    def test_nonsense_is_passed_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://user:password@a:1")
        found = system_proxy.here().choose(SERVER)
        assert (found.proxy, found.detail) == (None, "not understood: credentials")


if sys.platform == "win32":
    import struct
    import winreg

    _CONNECTIONS = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings\Connections"
    _VALUE = "DefaultConnectionSettings"
    _DIRECT, _PROXY, _SCRIPT, _DETECT = 1, 2, 4, 8  # PER_CONN_FLAGS, wininet.h

    class Setting:
        """The present user's proxy setting, as « Paramètres proxy » writes it into the registry."""

        def __init__(self) -> None:
            self._key = winreg.CreateKey(winreg.HKEY_CURRENT_USER, _CONNECTIONS)

        def read(self) -> bytes | None:
            try:
                found: bytes = winreg.QueryValueEx(self._key, _VALUE)[0]
            except FileNotFoundError:
                return None
            return found

        def write(self, found: bytes | None) -> None:
            if found is not None:
                winreg.SetValueEx(self._key, _VALUE, 0, winreg.REG_BINARY, found)
            elif self.read() is not None:
                winreg.DeleteValue(self._key, _VALUE)

        def be(self, flags: int, servers: str = "", bypass: str = "", script: str = "") -> None:
            """*flags* say which of the texts are in force."""
            data = struct.pack("<III", 0x46, 0, flags | _DIRECT)
            for text in (servers, bypass, script):
                data += struct.pack("<I", len(text)) + text.encode("ascii")
            self.write(data + bytes(32))

        def close(self) -> None:
            self._key.Close()

    @pytest.fixture
    def setting() -> Iterator[Setting]:
        """The user's proxy setting, put back afterwards."""
        with closing(Setting()) as setting:
            before = setting.read()
            yield setting
            setting.write(before)

    class ScriptServer:
        """Serves proxy scripts over HTTP, each under a name of its own: WinHTTP remembers what it has fetched."""

        def __init__(self, running: ExitStack) -> None:
            self.scripts: dict[str, str] = {}
            self.fetched: list[str] = []
            raw = running.enter_context(raw_server(self._serve))
            self._address = f"http://127.0.0.1:{raw.port}"

        def offer(self, name: str, body: str) -> str:
            """The address of a script whose function has *body*."""
            self.scripts[f"/{name}"] = f"function FindProxyForURL(url, host) {{ {body} }}"
            return f"{self._address}/{name}"

        def missing(self, name: str) -> str:
            """An address where no script is."""
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
        """A server for scripts."""
        with ExitStack() as running:
            yield ScriptServer(running)

    class TestSetting:
        """What WinHTTP reads of the registry."""

        def test_each_part(self, setting: Setting) -> None:
            setting.be(0)
            assert system_proxy.user_setting() == Configuration()
            setting.be(_PROXY, "p:3128", "<local>;*.exempt.fr")
            assert system_proxy.user_setting() == Configuration(
                servers="p:3128", bypass="<local>;*.exempt.fr"
            )
            setting.be(_SCRIPT, script="http://pac.example/p.pac")
            assert system_proxy.user_setting() == Configuration(script="http://pac.example/p.pac")
            setting.be(_DETECT)
            assert system_proxy.user_setting() == Configuration(detect=True)
            setting.be(_PROXY | _SCRIPT | _DETECT, "http=h:1;https=s:2", "*.fr", "http://pac.example/p.pac")
            assert system_proxy.user_setting() == Configuration(
                True, "http://pac.example/p.pac", "http=h:1;https=s:2", "*.fr"
            )

        def test_static(self, setting: Setting) -> None:
            setting.be(_PROXY, "http=h:1;https=s:2", "*.exempt.fr;<local>")
            system = system_proxy.here()
            assert system.choose(SERVER) == Choice(parse("http://s:2"), Source.SYSTEM)
            assert system.choose(parse("http://serveur.example")).proxy == parse("http://h:1")
            for host in ("www.exempt.fr", "intranet", "localhost"):
                assert system.choose(parse(f"https://{host}")).proxy is None

    class TestWinHttp:
        """Real scripts, fetched and run by Windows."""

        def test_a_script_decides_by_server(self, setting: Setting, server: ScriptServer) -> None:
            script = server.offer(
                "by-server.pac",
                "if (shExpMatch(host, '*.direct.fr')) return 'DIRECT';"
                "return url.substring(0, 6) == 'https:' ? 'PROXY a:1; PROXY b:2; DIRECT' : 'PROXY h:3';",
            )
            setting.be(_SCRIPT, script=script)
            system = system_proxy.here()
            assert system.choose(SERVER) == Choice(parse("http://a:1"), Source.SCRIPT)
            assert system.choose(parse("http://serveur.example")).proxy == parse("http://h:3")
            assert system.choose(parse("https://www.direct.fr")) == Choice(None, Source.SCRIPT)
            assert server.fetched == ["/by-server.pac"]

        def test_a_script_is_told_no_path(self, setting: Setting, server: ScriptServer) -> None:
            asked = "return url == 'https://serveur.example:8443/' ? 'PROXY a:1' : 'DIRECT';"
            setting.be(_SCRIPT, script=server.offer("path.pac", asked))
            assert system_proxy.here().choose(parse("https://serveur.example:8443/updates")).proxy is not None

        @pytest.mark.parametrize("body", ["return nothing.there;", "this is ( no script", "return null;"])
        def test_a_script_that_fails(self, setting: Setting, server: ScriptServer, body: str) -> None:
            script = server.offer(f"fails-{len(body)}.pac", body)
            setting.be(_SCRIPT, script=script)
            with pytest.raises(ScriptUnusable, match=r"WinHTTP error \d+"):
                system_proxy.here().choose(SERVER)

        def test_a_script_that_is_not_there(self, setting: Setting, server: ScriptServer) -> None:
            setting.be(_SCRIPT, script=server.missing("missing.pac"))
            with pytest.raises(ScriptUnusable, match="WinHTTP error 12167"):
                system_proxy.here().choose(SERVER)

        def test_a_static_setting_steps_in(self, setting: Setting, server: ScriptServer) -> None:
            setting.be(_SCRIPT | _PROXY, "p:3128", script=server.missing("missing-too.pac"))
            found = system_proxy.here().choose(SERVER)
            assert (found.proxy, found.source) == (parse("http://p:3128"), Source.SYSTEM)
            assert "12167" in found.detail

        def test_a_server_that_never_answers_is_not_waited_for(self) -> None:
            asked = threading.Event()

            def silent(connection: socket.socket) -> None:
                request_of(connection)
                asked.set()
                connection.recv(1)

            with raw_server(silent) as raw:
                script = f"http://127.0.0.1:{raw.port}/silent.pac"
                with pytest.raises(ScriptUnusable, match="within"):
                    Scripts(system_proxy.ask_winhttp).evaluate(script, SERVER, 0.3)
                assert asked.wait(PLENTY), "WinHTTP did ask"

        def test_a_network_that_offers_no_script_is_no_failure(self, setting: Setting) -> None:
            """That one is found and followed takes a network of its own: ``tests/rig/test_wine_tour.py``."""
            setting.be(_DETECT)
            found = system_proxy.here().choose(SERVER)
            assert (found.proxy, found.source) == (None, Source.NONE)
            assert found.detail.startswith("no script from the network: WinHTTP error 12180")
