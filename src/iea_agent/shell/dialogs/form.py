"""What is typed in the settings dialog: tidied, checked, and compared with what is saved. Pure: no window, no file."""

from __future__ import annotations

from dataclasses import dataclass

from iea_agent.domain import addresses, settings
from iea_agent.domain.settings import ProxyMode, Settings
from iea_agent.locale import _
from iea_agent.shell.particulars import MALFORMED


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields as they stand in the dialog, named like the attributes of ``Settings`` they stand for."""

    secure: bool
    authentication: str
    updates: str
    licence_number: str
    proxy_mode: ProxyMode
    proxy_address: str


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
    )


def tidy(text: str, secure: bool) -> tuple[str, bool]:
    """The address meant by *text*, https in secure mode; and whether an ``http://`` became ``https://``, which the person must be told."""
    cleaned = addresses.clean(text)
    return addresses.secured(cleaned) if secure else (cleaned, False)


def read(typed: Typed, saved: Settings) -> Settings:
    """The settings that *typed* stands for; what the dialog does not show is taken from *saved*.

    Raises ``Complaint`` for the first field, from top to bottom, that cannot be used.
    """
    return Settings(
        secure=typed.secure,
        authentication=_address("authentication", typed.authentication, typed.secure),
        updates=_address("updates", typed.updates, typed.secure),
        ca_file=saved.ca_file,
        licence_number=_licence(typed.licence_number),
        proxy_mode=typed.proxy_mode,
        proxy_address=_proxy(typed, saved),
        program=saved.program,
    )


def _address(field: str, text: str, secure: bool) -> str:
    try:
        return str(addresses.parse(tidy(text, secure)[0]))
    except addresses.AddressError as error:
        raise Complaint(field, _(MALFORMED[error.reason])) from None


def _licence(text: str) -> str:
    try:
        return str(settings.FIELDS["licence.number"].read(text))
    except ValueError as error:
        raise Complaint("licence_number", _("Attendu : {what}.").format(what=_(str(error)))) from None


def _proxy(typed: Typed, saved: Settings) -> str:
    try:
        address = str(settings.FIELDS["proxy.address"].read(typed.proxy_address.strip()))
    except ValueError as error:
        if typed.proxy_mode is not ProxyMode.MANUAL:
            return saved.proxy_address  # the field is grey: what it holds is nobody's business now
        raise Complaint("proxy_address", _("Attendu : {what}.").format(what=_(str(error)))) from None
    if typed.proxy_mode is ProxyMode.MANUAL and not address:
        raise Complaint("proxy_address", _("Saisissez l'adresse du proxy."))
    return address


def changes(saved: Settings, wanted: Settings) -> dict[str, object]:
    """What is to be written for *wanted* to hold where *saved* holds now, by dotted name and as values of the file."""
    found: dict[str, object] = {}
    for name, field in settings.FIELDS.items():
        value = getattr(wanted, field.attribute)
        if value != getattr(saved, field.attribute):
            found[name] = value.value if isinstance(value, ProxyMode) else value
    return found


def is_unsaved(typed: Typed, saved: Settings) -> bool:
    """Whether closing now would lose something: a field that cannot be read counts as changed."""
    try:
        return bool(changes(saved, read(typed, saved)))
    except Complaint:
        return typed != shown(saved)
