"""Faults of Windows' own proxy setting, from the registry to what the desk reads."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from collections.abc import Callable
    from dataclasses import dataclass
    from pathlib import Path

    import pytest

    from iea_agent.assembly.installation import Installation
    from iea_agent.assembly.servers import Servers
    from iea_agent.domain.addresses import Address
    from iea_agent.domain.diagnosis import Stage
    from iea_agent.domain.proxy_password import ProxyPassword
    from iea_agent.domain.settings import Settings
    from iea_agent.services.https import Client
    from iea_sandbox.faults import FAULTS, SERVERS, Layer
    from iea_sandbox.world import World
    from rig.agent_files import write_agent_files
    from rig.windows_proxy import WindowsProxy
    from tests.desk.agents_file import assert_read_alike
    from tests.services.conftest import resolving
    from tests.services.fault_table import expected_problem

    OF_SCRIPTS = [
        name for name, fault in FAULTS.items() if fault.layer is Layer.SCRIPT and name != "pac-offered"
    ]
    """``tests/rig/test_wine_tour.py`` has the two that need a network of their own."""

    @dataclass(frozen=True)
    class SandboxServers(Servers):
        """The servers of an installation that asks the sandbox for names, not Windows."""

        names_port: int

        def connect(
            self, settings: Settings, proxy_password: ProxyPassword | None = None
        ) -> Callable[[Address], Client]:
            """See ``Servers``: the route is Windows' own."""

            def make_client(address: Address) -> Client:
                route = self.route(settings, address, proxy_password)
                return Client(route, resolve=resolving(self.names_port), online=lambda: True)

            return make_client

    @pytest.mark.parametrize("name", OF_SCRIPTS)
    def test_the_desk_reads_what_windows_own_setting_breaks(
        name: str, world: World, windows_proxy: WindowsProxy, tmp_path: Path
    ) -> None:
        world.break_("pac", FAULTS[name].how)
        windows_proxy.use_script(world.script_address)
        typed = {server: world.to_type(server) for server in SERVERS}
        connection = f'authentication = "{typed["auth"]}"\nupdates = "{typed["updates"]}"\n'
        write_agent_files(tmp_path, world, connection=connection)
        installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
        settings = installation.storage.load().effective.settings
        reports = SandboxServers(installation, world.names.port).examine(settings)
        assert len(reports) == len(SERVERS)
        for server, report in zip(SERVERS, reports, strict=True):
            (by_proxy,) = [stage for stage in report.stages if stage.stage is Stage.PROXY]
            assert "script unusable" in by_proxy.detail, "Windows was asked"
            problem = expected_problem(name, server)
            assert (report.cause and report.cause.problem) is problem
            assert_read_alike(installation, report, problem)
