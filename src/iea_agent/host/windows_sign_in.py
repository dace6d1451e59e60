"""The Windows sign-in (NTLM, Negotiate) for a proxy, by SSPI (secur32).

Windows makes the messages: with user and password if they are given, else for the person who is signed in, whose password never leaves Windows.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    from .windows import declare

    _OUTBOUND = 2  # SECPKG_CRED_OUTBOUND, sspi.h
    _UNICODE = 2  # SEC_WINNT_AUTH_IDENTITY_UNICODE
    _ALLOCATE_MEMORY = 0x100  # ISC_REQ_ALLOCATE_MEMORY
    _NATIVE = 0x10  # SECURITY_NATIVE_DREP
    _TOKEN = 2  # SECBUFFER_TOKEN
    _OK, _CONTINUE, _COMPLETE, _COMPLETE_AND_CONTINUE = 0, 0x90312, 0x90313, 0x90314

    class _Handle(ctypes.Structure):  # SecHandle
        _fields_ = (("dwLower", ctypes.c_size_t), ("dwUpper", ctypes.c_size_t))

    class _Identity(ctypes.Structure):  # SEC_WINNT_AUTH_IDENTITY_W
        _fields_ = (
            ("User", wintypes.LPCWSTR),
            ("UserLength", wintypes.ULONG),
            ("Domain", wintypes.LPCWSTR),
            ("DomainLength", wintypes.ULONG),
            ("Password", wintypes.LPCWSTR),
            ("PasswordLength", wintypes.ULONG),
            ("Flags", wintypes.ULONG),
        )

    class _Buffer(ctypes.Structure):  # SecBuffer
        _fields_ = (
            ("cbBuffer", wintypes.ULONG),
            ("BufferType", wintypes.ULONG),
            ("pvBuffer", ctypes.c_void_p),
        )

    class _Buffers(ctypes.Structure):  # SecBufferDesc
        _fields_ = (
            ("ulVersion", wintypes.ULONG),
            ("cBuffers", wintypes.ULONG),
            ("pBuffers", ctypes.POINTER(_Buffer)),
        )

    _POINTER, _ULONG, _STRING = ctypes.c_void_p, wintypes.ULONG, wintypes.LPCWSTR

    def _secur32() -> ctypes.WinDLL:
        """Return the library, which the start of the tray does without."""
        library = ctypes.WinDLL("secur32")
        handle, buffers = ctypes.POINTER(_Handle), ctypes.POINTER(_Buffers)
        declare(
            library, "AcquireCredentialsHandleW", wintypes.LONG,
            _STRING, _STRING, _ULONG, _POINTER, _POINTER, _POINTER, _POINTER, handle, _POINTER,
        )  # fmt: skip
        declare(
            library, "InitializeSecurityContextW", wintypes.LONG,
            handle, handle, _STRING, _ULONG, _ULONG, _ULONG, buffers, _ULONG, handle, buffers, _POINTER, _POINTER,
        )  # fmt: skip
        declare(library, "CompleteAuthToken", wintypes.LONG, handle, buffers)
        declare(library, "FreeContextBuffer", wintypes.LONG, _POINTER)
        declare(library, "DeleteSecurityContext", wintypes.LONG, handle)
        declare(library, "FreeCredentialsHandle", wintypes.LONG, handle)
        return library

    class SspiExchange:
        """One sign-in on one connection, whose messages Windows makes."""

        def __init__(self, package: str, host: str, user: str, password: str) -> None:
            self._library = _secur32()
            self._target = f"HTTP/{host}"
            self._context: _Handle | None = None
            identity = None
            if user:
                domain, _, name = user.rpartition("\\")
                identity = _Identity(
                    name, _length(name), domain, _length(domain), password, _length(password), _UNICODE
                )
            self._credentials, expiry = _Handle(), ctypes.c_int64()
            _check(
                self._library.AcquireCredentialsHandleW(
                    None,
                    package,
                    _OUTBOUND,
                    None,
                    ctypes.byref(identity) if identity else None,
                    None,
                    None,
                    ctypes.byref(self._credentials),
                    ctypes.byref(expiry),
                )
            )

        def respond(self, token: bytes) -> bytes:
            """Return the next message, given the proxy's last one (empty at first).

            Raises ``OSError``: nobody is signed in, there is no ticket, the proxy's message is wrong.
            """
            context, attributes, expiry = self._context or _Handle(), wintypes.ULONG(), ctypes.c_int64()
            received = ctypes.create_string_buffer(token, len(token))
            given = _Buffer(len(token), _TOKEN, ctypes.cast(received, ctypes.c_void_p))
            made = _Buffer(0, _TOKEN, None)
            answer = _Buffers(0, 1, ctypes.pointer(made))
            status = self._library.InitializeSecurityContextW(
                ctypes.byref(self._credentials),
                ctypes.byref(context) if self._context else None,
                self._target,
                _ALLOCATE_MEMORY,
                0,
                _NATIVE,
                ctypes.byref(_Buffers(0, 1, ctypes.pointer(given))) if token else None,
                0,
                ctypes.byref(context),
                ctypes.byref(answer),
                ctypes.byref(attributes),
                ctypes.byref(expiry),
            )
            _check(status)
            self._context = context
            if status in (_COMPLETE, _COMPLETE_AND_CONTINUE):
                _check(self._library.CompleteAuthToken(ctypes.byref(context), ctypes.byref(answer)))
            try:
                return ctypes.string_at(made.pvBuffer, made.cbBuffer) if made.pvBuffer else b""
            finally:
                if made.pvBuffer:
                    self._library.FreeContextBuffer(made.pvBuffer)

        def close(self) -> None:
            """Give the memory back to the system."""
            if self._context is not None:
                self._library.DeleteSecurityContext(ctypes.byref(self._context))
                self._context = None
            self._library.FreeCredentialsHandle(ctypes.byref(self._credentials))

    def _length(text: str) -> int:
        """Return the length of *text* as Windows counts it, in UTF-16 units."""
        return len(text.encode("utf-16-le")) // 2

    def _check(status: int) -> None:
        if status not in (_OK, _CONTINUE, _COMPLETE, _COMPLETE_AND_CONTINUE):
            raise OSError(status, f"SSPI error {status & 0xFFFFFFFF:#010x}")

    def begin_exchange(package: str, host: str, user: str, password: str) -> SspiExchange:
        """Begin a sign-in by *package* (NTLM, Negotiate) at the proxy *host*.

        Without *user* it is the person who is signed in. Raises ``OSError``.
        """
        return SspiExchange(package, host, user, password)
