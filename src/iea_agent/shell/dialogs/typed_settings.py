"""What is typed in the settings dialog: tidied, checked, and compared with what is saved. Pure: no window, no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from iea_agent.domain import addresses, problems, settings
from iea_agent.domain.diagnosis import ServerReport
from iea_agent.domain.settings import ProxyMode, Settings
from iea_agent.locale import _


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields as they stand in the dialog, named like the attributes of ``Settings`` they stand for."""

    secure: bool
    authentication: str
    updates: str
    licence_number: str
    proxy_mode: ProxyMode
    proxy_address: str
    proxy_user: str
    proxy_bypass: str
    ipv4_only: bool


class Complaint(ValueError):
    """A field that cannot be used: *field* is its attribute in ``Settings``, *sentence* is for the person."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.sentence = sentence


def shown(saved: Settings) -> Typed:
    """What the fields hold when *saved* is shown in them."""
    return Typed(
        saved.secure,
        saved.authentication,
        saved.updates,
        saved.licence_number,
        saved.proxy_mode,
        saved.proxy_address,
        saved.proxy_user,
        saved.proxy_bypass.replace(";", " ; "),
        saved.ipv4_only,
    )


def tidy(text: str, secure: bool) -> tuple[str, bool]:
    """The address meant by *text*, https in secure mode; and whether an ``http://`` became ``https://``, which the person must be told."""
    cleaned = addresses.clean(text)
    return addresses.secure_address(cleaned) if secure else (cleaned, False)


def read(typed: Typed, saved: Settings) -> Settings:
    """The settings that *typed* stands for; what the dialog does not show is taken from *saved*.

    Raises ``Complaint`` for the first field, from top to bottom, that cannot be used.
    """
    return replace(
        saved,
        secure=typed.secure,
        authentication=_address("authentication", typed.authentication, typed.secure),
        updates=_address("updates", typed.updates, typed.secure),
        licence_number=_valid("licence.number", typed.licence_number),
        proxy_mode=typed.proxy_mode,
        proxy_address=_proxy(typed, saved),
        proxy_user=_used("proxy.user", typed.proxy_user, saved, typed.proxy_mode is not ProxyMode.NONE),
        proxy_bypass=_used("proxy.bypass", typed.proxy_bypass, saved, typed.proxy_mode is ProxyMode.MANUAL),
        ipv4_only=typed.ipv4_only,
    )


def _address(field: str, text: str, secure: bool) -> str:
    try:
        return str(addresses.parse(tidy(text, secure)[0]))
    except addresses.AddressError as error:
        from iea_agent.shell.wording.problem_details import MALFORMED

        raise Complaint(field, _(MALFORMED[error.kind])) from None


def _valid(name: str, text: str) -> str:
    """*text* as the setting *name*. Raises ``Complaint``."""
    declaration = settings.DECLARATIONS[name]
    try:
        return str(declaration.check(declaration.parse_typed(text)))
    except settings.SettingsError:
        sentence = _("Attendu : {what}.").format(what=_(declaration.kind.expected))
        raise Complaint(declaration.attribute, sentence) from None


def _used(name: str, text: str, saved: Settings, used: bool) -> str:
    """The same; where the field is not *used* now, and so not shown, what it holds is nobody's business."""
    try:
        return _valid(name, text)
    except Complaint:
        if used:
            raise
        return str(getattr(saved, settings.DECLARATIONS[name].attribute))


def _proxy(typed: Typed, saved: Settings) -> str:
    manual = typed.proxy_mode is ProxyMode.MANUAL
    address = _used("proxy.address", typed.proxy_address, saved, manual)
    if manual and not address:
        raise Complaint("proxy_address", _("Saisissez l'adresse du proxy."))
    return address


def changes(saved: Settings, wanted: Settings) -> dict[str, object]:
    """What is to be written for *wanted* to hold where *saved* holds now, by dotted name and as values of the file."""
    found: dict[str, object] = {}
    for name, declaration in settings.DECLARATIONS.items():
        value = declaration.value_in(wanted)
        if value != declaration.value_in(saved):
            found[name] = value
    return found


def is_unsaved(typed: Typed, saved: Settings) -> bool:
    """Whether closing now would lose something: a field that cannot be read counts as changed."""
    try:
        return bool(changes(saved, read(typed, saved)))
    except Complaint:
        return typed != shown(saved)


_ASKED = (problems.PROXY_WANTS_PASSWORD, problems.PROXY_REFUSES_PASSWORD)


def asking(tested: Settings, reports: Sequence[ServerReport], before: str) -> str:
    """The system's proxy that asks who we are, "" for none, after *reports* of a test of *tested*; *before* is the one that asked so far.

    One that asked and was passed through asks still: it is what was typed that it lets through. A proxy that is chosen by hand has its fields anyway,
    and where none was used there is none to tell.
    """
    if tested.proxy_mode is not ProxyMode.SYSTEM:
        return before
    used = [found for found in reports if found.route != "direct"]
    asked = [found.route for found in used if found.failure is not None and found.failure.problem in _ASKED]
    if asked:
        return asked[0]
    return before if any(found.route == before for found in used) else ""
