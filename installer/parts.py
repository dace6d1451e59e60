"""What ships, and what does not, each with its reason: the one table of the build.

Everything in the version folder comes from here; ``tests/installer`` compares both.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One distribution of PyPI that ships, wholly or in part.

    *modules* go into the archive of modules, *files* into the folder ``lib`` as they are, since Windows
    loads libraries from files only. Both are patterns below site-packages; what *without* names stays out.
    """

    name: str
    reason: str
    modules: tuple[str, ...]
    files: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


PARTS = (
    Part(
        "pystray",
        "draws the icon in the notification area",
        ("pystray/**/*.py",),
        without=(
            *("pystray/_appindicator.py", "pystray/_darwin.py", "pystray/_dummy.py", "pystray/_gtk.py"),
            *("pystray/_xorg.py", "pystray/_util/gtk.py", "pystray/_util/notify_dbus.py"),
        ),
    ),
    Part("six", "pystray asks for it", ("six.py",)),
    Part("httpx", "speaks HTTP with the servers", ("httpx/**/*.py",), without=("httpx/_main.py",)),
    Part(
        "httpcore",
        "the connections of httpx",
        ("httpcore/**/*.py",),
        # the agent speaks HTTP/1.1, and no SOCKS proxy is offered
        without=(
            *("httpcore/_backends/anyio.py", "httpcore/_backends/trio.py"),
            *("httpcore/*/http2.py", "httpcore/*/socks_proxy.py"),
        ),
    ),
    Part("h11", "the syntax of HTTP/1.1 for httpcore", ("h11/**/*.py",)),
    Part(
        "idna",
        "names of servers with accents, for httpx",
        ("idna/**/*.py",),
        without=("idna/cli.py", "idna/__main__.py", "idna/codec.py", "idna/uts46data.py"),
    ),
    Part(
        "certifi",
        "httpx imports it; its list of authorities stays out, since Windows or the policy decides whom to trust",
        ("certifi/__init__.py", "certifi/core.py"),
    ),
    Part(
        "platformdirs",
        "the person's folders",
        ("platformdirs/*.py",),
        without=(
            *("platformdirs/__main__.py", "platformdirs/android.py", "platformdirs/macos.py"),
            *("platformdirs/ios.py", "platformdirs/unix.py", "platformdirs/_android.py"),
            *("platformdirs/pytest_plugin.py", "platformdirs/testing.py"),
        ),
    ),
    Part("tomlkit", "writes settings.toml and keeps its comments", ("tomlkit/*.py",)),
    Part(
        "tuf",
        "judges the signed metadata of the updates",
        ("tuf/**/*.py",),
        without=("tuf/ngclient/requests_fetcher.py", "tuf/repository/**/*.py"),
    ),
    Part("securesystemslib", "checks tuf's signatures", ("securesystemslib/**/*.py",)),
    Part(
        "urllib3",
        "tuf imports it; the agent fetches with its own client",
        ("urllib3/**/*.py",),
        without=(
            "urllib3/contrib/emscripten/**/*.py",
            "urllib3/contrib/pyopenssl.py",
            "urllib3/contrib/socks.py",
            "urllib3/http2/connection.py",
        ),
    ),
    Part(
        "cryptography",
        "signatures of the updates, certificates",
        ("cryptography/**/*.py",),
        files=("cryptography/hazmat/bindings/_rust.pyd",),
        without=("cryptography/cobblestone.py", "cryptography/hazmat/asn1/*.py"),
    ),
    Part(
        "cffi", "cryptography loads this one module of it", (), files=("_cffi_backend.cp313-win_amd64.pyd",)
    ),
    Part(
        "filelock",
        "one process at a time in the folder of trusted metadata",
        ("filelock/**/*.py",),
        # other kinds of locks, which are imported only where they are used
        without=(
            *("filelock/asyncio.py", "filelock/_async*.py", "filelock/_lease.py", "filelock/_marker.py"),
            *(
                "filelock/_read_write.py",
                "filelock/_strict.py",
                "filelock/_soft*.py",
                "filelock/_soft_rw/*.py",
            ),
        ),
    ),
    Part(
        "truststore",
        "Windows judges certificates",
        ("truststore/*.py",),
        without=("truststore/_macos.py", "truststore/_openssl.py"),
    ),
    Part(
        "wxPython",
        "draws the windows: core, and the libraries that it imports",
        ("wx/__init__.py", "wx/__version__.py", "wx/core.py"),
        files=(
            *("wx/_core.cp313-win_amd64.pyd", "wx/siplib.cp313-win_amd64.pyd"),
            *("wx/wxbase*u_vc*_x64.dll", "wx/wxbase*u_net_vc*_x64.dll", "wx/wxmsw*u_core_vc*_x64.dll"),
        ),
    ),
)

RUNTIME = {
    "msvcp140.dll": "wxPython is written in C++; neither its wheel nor Windows brings this library",
    "vcruntime140.dll": "of the same version as msvcp140.dll: an older one beside a newer is a known way to crash",
    "vcruntime140_1.dll": "as vcruntime140.dll",
}
"""Files of the distribution msvc-runtime (Microsoft's Visual C++), which lie beside Python's library."""

PYTHON = {
    "python313.dll": "the interpreter",
    "python3.dll": "cryptography's module is linked to this name",
    "libcrypto-3.dll": "OpenSSL for hashlib and ssl",
    "libssl-3.dll": "OpenSSL for ssl",
    "libffi-8.dll": "for _ctypes",
    "_ctypes.pyd": "calls of Windows' functions",
    "_decimal.pyd": "filelock imports decimal; ten times smaller in memory than the one in Python",
    "_hashlib.pyd": "hashes and scrypt",
    "_queue.pyd": "the loop's inbox",
    "_socket.pyd": "the network",
    "_ssl.pyd": "TLS",
    "select.pyd": "the network",
    "unicodedata.pyd": "typed and pasted texts",
}
"""Files of CPython's embeddable package that ship."""

PYTHON_LEFT_OUT = {
    "LICENSE.txt": "stands among the licences",
    "_asyncio.pyd": "for asyncio",
    "_bz2.pyd": "no archive is read",
    "_elementtree.pyd": "no XML is read",
    "_lzma.pyd": "no archive is read",
    "_multiprocessing.pyd": "for multiprocessing",
    "_overlapped.pyd": "for asyncio",
    "_sqlite3.pyd": "no database is used",
    "_uuid.pyd": "nothing imports uuid",
    "_zoneinfo.pyd": "Windows knows the time zone",
    "bcryptprimitives.dll": "a stand-in of the rig for Wine: it would hide Windows' own",
    "pyexpat.pyd": "no XML is read",
    "python.cat": "the catalogue of signatures, for python.org's own installer",
    "python.exe": "the launchers take its place",
    "python313._pth": "written anew",
    "python313.zip": "written anew, see STANDARD_LIBRARY_LEFT_OUT",
    "pythonw.exe": "the launchers take its place",
    "sqlite3.dll": "no database is used",
    "vcruntime140.dll": "a newer one ships, see RUNTIME",
    "vcruntime140_1.dll": "a newer one ships, see RUNTIME",
    "winsound.pyd": "no sound is played",
}
"""Files of CPython's embeddable package that do not ship; its folder Lib is the rig's."""

STANDARD_LIBRARY_LEFT_OUT = {
    "asyncio/* concurrent/futures/process.pyc": "the agent has threads; httpx and filelock import asyncio only where it runs",
    "multiprocessing/*": "the agent starts processes by itself",
    "xml/* xmlrpc/* pyexpat* plistlib.pyc": "no XML is read",
    "sqlite3/* dbm/* shelve.pyc": "no database is used",
    "unittest/* doctest.pyc pdb.pyc bdb.pyc cmd.pyc code.pyc codeop.pyc faulthandler*": "for developers",
    "pydoc.pyc pydoc_data/* _pyrepl/* rlcompleter.pyc site.pyc sitecustomize.pyc usercustomize.pyc": "the interactive Python",
    "profile.pyc cProfile.pyc pstats.pyc timeit.pyc trace.pyc tabnanny.pyc pyclbr.pyc symtable.pyc modulefinder.pyc": "for developers",
    "compileall.pyc py_compile.pyc zipapp.pyc pickletools.pyc ensurepip/* venv/* idlelib/* lib2to3/* turtle* tkinter/*": "for developers",
    "curses/* pty.pyc tty.pyc crypt.pyc posixpath_* _osx_support.pyc _ios_support.pyc _apple_support.pyc _android_support.pyc": "other systems",
    "ftplib.pyc imaplib.pyc poplib.pyc smtplib.pyc mailbox.pyc netrc.pyc wsgiref/* socketserver.pyc http/server.pyc": "protocols that nobody speaks here",
    "wave.pyc colorsys.pyc this.pyc antigravity.pyc __hello__.pyc __phello__/* sched.pyc statistics.pyc fractions.pyc": "nothing imports them",
    "_pydecimal.pyc _pyio.pyc _pydatetime.pyc": "the same in C ships",
    "zoneinfo/* graphlib.pyc filecmp.pyc fileinput.pyc optparse.pyc getopt.pyc sre_*.pyc nturl2path_* xdrlib.pyc": "nothing imports them",
    "uuid.pyc": "nothing imports it",
    "encodings/*big5* encodings/*gb* encodings/*euc_* encodings/*iso2022* encodings/*johab* encodings/*jis* "
    "encodings/cp932.pyc encodings/cp949.pyc encodings/cp950.pyc encodings/hz.pyc encodings/mac_*": "texts of East Asia and of old Macs",
}
"""Modules of Python's library that do not ship, as patterns of their names, and why. All others do."""

LEFT_OUT = {
    "Pillow": "pystray asks for it; the agent's icon imports nothing of it (13 MB)",
    "keyring": "the agent calls the functions of Windows' vault itself; on Linux it uses keyring",
    "jaraco-classes": "for keyring",
    "jaraco-context": "for keyring",
    "jaraco-functools": "for keyring",
    "more-itertools": "for keyring",
    "pywin32-ctypes": "for keyring",
    "anyio": "httpx asks for it and imports it only for asynchronous programs",
    "typing-extensions": "only older Pythons need it",
    "pycparser": "cffi asks for it to compile; nothing is compiled",
}
"""Distributions that a part asks for and that do not ship, and why."""
