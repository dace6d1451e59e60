"""Check what is typed in the settings dialog, and compare it with what is saved."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from iea_agent.domain import addresses, problems, refusals
from iea_agent.domain.diagnosis import ServerReport
from iea_agent.domain.proxy_choice import Source
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.settings import (
    DECLARATIONS,
    LICENCE_KEY,
    PROXY_PASSWORD,
    Declaration,
    ProxyMode,
    SettingFault,
    Settings,
    SettingsError,
    list_changes,
)
from iea_agent.locale import _

from .settings_rows import ROWS, Control, Row, Typed


def format_settings(saved: Settings) -> Typed:
    """Return what the controls hold if *saved* is shown in them; secrets are empty."""
    return {
        row.name: DECLARATIONS[row.name].format_typed(saved) if row.name in DECLARATIONS else ""
        for row in ROWS
    }


def tidy_address(text: str, secure: bool) -> tuple[str, bool]:
    """Return the address meant by *text*, and if ``http`` became ``https`` in it."""
    cleaned = addresses.clean(text)
    return addresses.secure_address(cleaned) if secure else (cleaned, False)


def parse_settings(typed: Typed, saved: Settings) -> Settings:
    """Return the settings that *typed* stands for; the others are those of *saved*.

    Raises ``RefusedError`` for the first row, from top to bottom, that cannot be used.
    """
    values = {
        declaration.attribute: _parse_row(row, declaration, typed, saved)
        for row in ROWS
        if (declaration := DECLARATIONS.get(row.name))
    }
    settings = saved.with_values(values)
    if typed[PROXY_PASSWORD] and not settings.proxy_user:
        raise RefusedError(refusals.ProxyUserMissing())
    return settings


def _parse_row(row: Row, declaration: Declaration, typed: Typed, saved: Settings) -> object:
    """Return the value typed in *row*; the saved one if it is hidden and unusable."""
    text, is_visible = typed[row.name], row.is_visible(typed, False)
    if row.control is Control.ADDRESS:
        try:
            text = str(addresses.parse(tidy_address(text, is_secure(typed))[0]))
        except addresses.AddressError as error:
            raise RefusedError(refusals.AddressMalformed(row.name, error.kind)) from None
    try:
        value = declaration.check(declaration.parse_typed(text))
    except SettingsError:
        if not is_visible:
            return getattr(saved, declaration.attribute)
        raise RefusedError(refusals.ValueInvalid(row.name, declaration.kind.expected)) from None
    if row.missing is not None and is_visible and not value:
        raise RefusedError(row.missing)
    return value


def is_secure(typed: Typed) -> bool:
    """Return whether secure mode is ticked."""
    return DECLARATIONS["connection.secure"].parse_typed(typed["connection.secure"]) is True


def list_refused(
    wanted: Settings, faults: Sequence[SettingFault], locked: Collection[str]
) -> dict[str, object]:
    """Return what to write in place of the lines that are refused, by name.

    It is what the rows show, and so what a person who saves has seen. What the policy has *locked* stays.
    """
    return {
        row.name: DECLARATIONS[row.name].value_in(wanted)
        for row in ROWS
        if row.name in DECLARATIONS
        and DECLARATIONS[row.name].attribute not in locked
        and any(fault.concerns(row.name) for fault in faults)
    }


def is_unsaved(typed: Typed, saved: Settings) -> bool:
    """Return whether closing now would lose something that was typed."""
    if typed[LICENCE_KEY] or typed[PROXY_PASSWORD]:
        return True
    try:
        return bool(list_changes(saved, parse_settings(typed, saved)))
    except RefusedError:
        return typed != format_settings(saved)


def describe_saved_password(typed: Typed, proxy: str) -> str:
    """Return what to say about the password saved for *proxy*; "" stands for none."""
    if not proxy:
        return ""
    try:
        named = DECLARATIONS["proxy.address"].check(typed["proxy.address"])
    except SettingsError:
        named = ""
    if named and named != proxy:
        text = _(
            "Le mot de passe enregistré est pour {proxy} et n'est envoyé qu'à lui : saisissez celui de ce proxy."
        )
    else:
        text = _(
            "Un mot de passe est enregistré pour {proxy} ; il n'est jamais affiché. Laissez ce champ vide pour le conserver."
        )
    return text.format(proxy=proxy)


ASKING = (problems.PROXY_WANTS_PASSWORD, problems.PROXY_REFUSES_PASSWORD)
"""The problems of a proxy that wants a user name and a password from the person."""
ASKING_CODES = frozenset(problem.code for problem in ASKING)


def find_asking_proxy(tested: Settings, reports: Sequence[ServerReport], before: str) -> str:
    """Return the system's proxy that asks for a name and a password, "" for none.

    *reports* are those of a test of *tested*; *before* is the proxy that asked so far: if the test passed
    through it with what was typed, it still asks.
    """
    if tested.proxy_mode is not ProxyMode.SYSTEM:
        return before
    used = [
        report
        for report in reports
        # what anybody may have named is told nothing, and so asks for nothing
        if report.route != "direct" and not Source(report.route_source).is_open
    ]
    for report in used:
        if report.failure is not None and report.failure.problem in ASKING:
            return report.route
    return before if any(report.route == before for report in used) else ""
