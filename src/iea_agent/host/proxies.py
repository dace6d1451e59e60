"""Which proxy the system says to use for an address: Windows' static setting in the registry, elsewhere the environment."""

from __future__ import annotations


def system_proxy(scheme: str, host: str, port: int) -> str | None:
    """The proxy's address (``http://…``) for a server, or None for a direct way; exceptions of the system's own list are heeded.

    Read afresh at each call: a laptop moves between networks. PAC scripts are not evaluated.
    """
    from urllib.request import getproxies, proxy_bypass

    found = getproxies()
    proxy = found.get(scheme) or found.get("all")
    if not proxy or proxy_bypass(f"{host}:{port}"):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
