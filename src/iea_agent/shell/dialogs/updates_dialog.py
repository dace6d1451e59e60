"""The window « Gérer les mises à jour »: what helps now, and what is new."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from functools import partial

import wx

from iea_agent.domain import person_requests, problems
from iea_agent.domain.download_plan import Progress
from iea_agent.domain.refusals import ProblemMet, Refusal, RefusedError
from iea_agent.domain.update_catalogue import Release, ReleaseKind
from iea_agent.domain.update_choice import Postponement
from iea_agent.domain.update_machine import UpdateState
from iea_agent.domain.update_record import LaunchWish
from iea_agent.locale import _
from iea_agent.shell.wording import update_overview
from iea_agent.shell.wording.refusal_text import word_refusal
from iea_agent.shell.wording.update_overview import (
    POSTPONEMENTS,
    CheckFacts,
    UpdateAction,
    UpdateFacts,
    summarize_update,
)
from iea_agent.shell.wording.update_text import KINDS, word_verifying

from .background import attempt, deliver, run_in_background
from .scrolled_dialog import ScrolledDialog, run_dialog
from .updates_port import UpdatesPort
from .version_reader import VersionReader
from .widgets import (
    MIDDLE,
    NARROW,
    WIDE,
    Header,
    PageLink,
    Paragraph,
    SpokenName,
    can_focus,
    copy_text,
    fit_width,
    has_room,
    load_icons,
    make_row,
)

WIDTH, READING = 410, 400
"""Width of the two columns, in device-independent pixels."""
MESSAGE = 530
"""Width of the sentence in the footer, in device-independent pixels."""
GAUGE = 18
"""Height of the bar of a download, in device-independent pixels."""
TICK = 250
"""Milliseconds between two looks for something new."""
LOOK_AGAIN = 20.0
"""Seconds after which times are worded anew though nothing has changed."""


def run(
    port: UpdatesPort, on_shown: Callable[[], None], _options: Collection[str], _later: Iterable[str] = ()
) -> None:
    """Show the window until it is closed; call *on_shown* once it can be used."""
    run_dialog(lambda: UpdatesWindow(port, on_shown))


class UpdatesWindow(ScrolledDialog):
    """The whole window; it looks for news by itself."""

    help_page = "guide-mise-a-jour"

    def __init__(self, port: UpdatesPort, on_shown: Callable[[], None]) -> None:
        super().__init__(_(person_requests.UPDATES.title), port.explain)
        self._port = port
        self._on_shown = on_shown
        self._facts: dict[ReleaseKind, UpdateFacts] = {}
        self._check = CheckFacts()
        self._kind = ReleaseKind.PRODUCT
        self._summary = update_overview.UpdateSummary("ball", "")
        self._signature: object = None
        self._looked_at = 0.0
        self._preparations: tuple[str, ...] = ()
        # for which file they were asked
        self._prepared = ""
        self._site: Mapping[ReleaseKind, str] = {}
        # after which versions and which check it was read
        self._site_read: object = None
        self._has_asked = False
        # a file is being verified
        self._is_taking = False

        parent = self.panel
        self._header = Header(parent, WIDTH, "-")
        self._create_choice(parent)
        self._text = Paragraph(parent, WIDTH)
        self._others = Paragraph(parent, WIDTH)
        self._page_link = PageLink(parent, port.explain)
        self._progress = Paragraph(parent, WIDTH)
        self._gauge = wx.Gauge(parent, range=1000, size=parent.FromDIP(wx.Size(-1, GAUGE)))
        SpokenName(self._gauge).text = _("Téléchargement")
        self._quarter = Paragraph(parent, WIDTH, spoken=True)
        self._launch_after = wx.CheckBox(parent, label=_(update_overview.LAUNCH_AFTER))
        self._buttons = {action: wx.Button(parent, label="-") for action in UpdateAction}
        self._from_file = wx.Button(parent, label=_("Installer depuis &un fichier…"))
        self._reader = VersionReader(parent, READING, self._find_height(), port, self._ask_for, self.lay_out)
        self._message = Paragraph(self.footer, MESSAGE, spoken=True)
        self._refresh = wx.Button(self.footer, label=_("&Actualiser"))
        self._close = wx.Button(self.footer, wx.ID_CANCEL, _("&Fermer"))
        self._arrange()

        for action, button in self._buttons.items():
            button.Bind(wx.EVT_BUTTON, lambda _event, action=action: self._act(action))
        self._from_file.Bind(wx.EVT_BUTTON, lambda _event: self._choose_file())
        self._refresh.Bind(wx.EVT_BUTTON, lambda _event: self._check_now())
        self.Bind(wx.EVT_CLOSE, self._on_close)
        self.SetIcons(load_icons("ball"))
        self._look()
        self._choose_first_kind()
        self._show()

    def _create_choice(self, parent: wx.Window) -> None:
        """Make the choice between Impact emploi and the connection program."""
        styles = (wx.RB_GROUP, 0)
        self._kinds = {
            kind: wx.RadioButton(parent, label="-", style=style)
            for kind, style in zip(ReleaseKind, styles, strict=True)
        }
        for kind, button in self._kinds.items():
            button.Bind(wx.EVT_RADIOBUTTON, lambda _event, kind=kind: self._choose_kind(kind))

    def _find_height(self) -> int:
        """Return the height of the text to read, which lets all stand on the screen."""
        room: int = self.ToDIP(wx.Display(self).GetClientArea().height)
        return min(max(room - 280, 140), 330)

    def _arrange(self) -> None:
        wide, middle, narrow = self.FromDIP(WIDE), self.FromDIP(MIDDLE), self.FromDIP(NARROW)
        recall = self._buttons[UpdateAction.RECALL]
        others = [button for button in self._buttons.values() if button is not recall]
        buttons = make_row(self, *others, needs=WIDTH)
        left = wx.BoxSizer(wx.VERTICAL)
        left.Add(self._header.sizer, 0, wx.EXPAND | wx.BOTTOM, wide)
        for button in self._kinds.values():
            left.Add(button, 0, wx.BOTTOM, narrow)
        left.Add(self._text, 0, wx.TOP, middle)
        left.Add(self._others, 0, wx.TOP, middle)
        left.Add(self._page_link, 0, wx.TOP, middle)
        left.Add(self._progress, 0, wx.TOP, middle)
        left.Add(self._gauge, 0, wx.EXPAND | wx.TOP, narrow)
        left.Add(self._quarter, 0, wx.TOP, narrow)
        left.Add(self._launch_after, 0, wx.TOP, middle)
        left.Add(buttons, 0, wx.TOP, wide)
        left.Add(make_row(self, self._from_file, recall, needs=WIDTH), 0, wx.TOP, middle)
        left.SetMinSize(self.FromDIP(wx.Size(fit_width(self, WIDTH), -1)))
        is_roomy = has_room(self, WIDTH + READING + WIDE)
        columns = wx.BoxSizer(wx.HORIZONTAL if is_roomy else wx.VERTICAL)
        columns.Add(left, 0, wx.RIGHT if is_roomy else wx.BOTTOM, wide)
        columns.Add(self._reader.sizer, 1, wx.EXPAND)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(columns, 1, wx.EXPAND | wx.ALL, wide)
        self.panel.SetSizer(column)
        self.arrange_footer(self._refresh, self._close, message=self._message, is_beside=is_roomy)

    def begin(self) -> None:
        """Move the keyboard to what helps next, and look for news from now on."""
        self._find_best().SetFocus()
        self._timer = wx.Timer(self)
        self.Bind(wx.EVT_TIMER, lambda _event: self._on_tick(), self._timer)
        self._timer.Start(TICK)
        wx.CallAfter(self._on_shown)

    # what there is to see

    def _on_tick(self) -> None:
        if self._port.sign() != self._signature or time.monotonic() - self._looked_at > LOOK_AGAIN:
            self._look()
            self._show()

    def _look(self) -> None:
        self._signature = self._port.sign()
        self._looked_at = time.monotonic()
        # what cannot be read now can be a moment later
        with suppress(RefusedError):
            self._facts = {kind: self._port.look(kind) for kind in ReleaseKind}
            self._check = self._port.look_at_check()

    def _choose_first_kind(self) -> None:
        """Choose the agent if only it has an update under way."""
        under_way = [k for k, facts in self._facts.items() if facts.snapshot.state is not UpdateState.NONE]
        if under_way == [ReleaseKind.AGENT]:
            self._kind = ReleaseKind.AGENT

    def _show(self) -> None:
        had_focus = self.find_focus()
        facts, now = self._facts[self._kind], time.time()
        self._prepare(facts)
        self._summary = summarize_update(
            facts, self._check, self._preparations, now, can_launch=self._port.can_launch
        )
        self._header.show_state(
            self._summary.picture, self._summary.headline, update_overview.word_check(self._check, now)
        )
        for kind, button in self._kinds.items():
            _set_label(button, update_overview.word_installed(self._facts[kind]))
            button.SetValue(kind is self._kind)
        self._text.set_text(self._summary.text)
        self._read_site()
        self._others.set_text(self._site.get(self._kind, ""))
        self._page_link.set_problem(self._summary.code or self._check.code)
        self._show_progress(facts)
        self._launch_after.Show(self._summary.offers_launch)
        for action, button in self._buttons.items():
            _set_label(button, update_overview.label_action(action, facts))
            button.Show(action in self._summary.actions)
        self._refresh.Enable(not self._check.is_pending)
        # what an installer has begun it ends, before another version
        is_installing = facts.snapshot.state is UpdateState.INSTALLING
        self._from_file.Enable(not is_installing and not self._is_taking)
        self._reader.show(facts)
        best = self._find_best()
        best.SetDefault()
        if had_focus is self._close or not can_focus(had_focus):
            self.give_focus(best)
        self.lay_out()

    def _show_progress(self, facts: UpdateFacts) -> None:
        is_under_way = facts.snapshot.state in (UpdateState.DOWNLOADING, UpdateState.PAUSED)
        progress = facts.progress if is_under_way else None
        self._progress.set_text(update_overview.word_download(facts) if progress else "")
        is_installing = facts.snapshot.state is UpdateState.INSTALLING
        if is_installing and not self._gauge.IsShown():
            # it moves by itself: nobody knows how long an installer takes
            self._gauge.Pulse()
        self._gauge.Show(progress is not None or is_installing)
        if progress is not None and progress.total:
            self._gauge.SetValue(1000 * progress.received // progress.total)
        self._quarter.set_text(update_overview.word_quarter(progress))

    def _prepare(self, facts: UpdateFacts) -> None:
        """Have listed, once a file is ready, what a person should know before installing."""
        file = facts.snapshot.sha256 if facts.snapshot.state is UpdateState.READY else ""
        if file == self._prepared:
            return
        self._prepared, self._preparations = file, ()

        def show(sentences: tuple[str, ...] | None) -> None:
            self._preparations = sentences or ()
            self._show()

        if file:
            run_in_background(self, "prepare", partial(self._port.list_preparations, facts.kind), show)

    def _read_site(self) -> None:
        """Have read, after each check and installation, what the other PCs have."""
        key = (self._check.checked, *(facts.installed for facts in self._facts.values()))
        if not self._port.has_site or key == self._site_read:
            return
        self._site_read = key

        def show(site: Mapping[ReleaseKind, str] | None) -> None:
            self._site = site or {}
            self._show()

        run_in_background(self, "site", self._port.describe_site, show)

    def _find_best(self) -> wx.Window:
        if self._summary.best is not None:
            return self._buttons[self._summary.best]
        is_idle = self._facts[self._kind].snapshot.state is UpdateState.NONE
        return self._refresh if is_idle and not self._has_asked and self._refresh.IsEnabled() else self._close

    def _choose_kind(self, kind: ReleaseKind) -> None:
        self._kind = kind
        self._say("")
        self._show()

    # what a person does

    def _act(self, action: UpdateAction) -> None:
        facts, kind, port = self._facts[self._kind], self._kind, self._port
        version = facts.listed.offer.release.version if facts.listed else facts.snapshot.version
        skipped = facts.skipped.offer.release.version if facts.skipped else ""
        if action is UpdateAction.PUT_OFF:
            self._choose_postponement(kind, version)
            return
        if action is UpdateAction.COPY_COMMAND:
            copied = _("Commande copiée : envoyez-la à la personne qui administre ce poste.")
            self._say(copy_text(facts.command, copied))
            return
        fetch = partial(port.start_download, kind, version)
        launches = self._summary.offers_launch and self._launch_after.GetValue()
        requests: dict[UpdateAction, Callable[[], None]] = {
            UpdateAction.DOWNLOAD: fetch,
            UpdateAction.RESUME: fetch,
            UpdateAction.RETRY: fetch,
            UpdateAction.INSTALL: partial(port.install, kind, launches=launches),
            UpdateAction.LAUNCH: port.launch,
            UpdateAction.PAUSE: partial(port.pause, kind),
            UpdateAction.CANCEL: partial(port.cancel, kind),
            UpdateAction.SKIP: partial(port.skip, kind, version),
            UpdateAction.RECALL: partial(port.recall, kind, skipped),
        }
        outcome = {
            UpdateAction.SKIP: update_overview.SKIPPED,
            UpdateAction.RECALL: update_overview.RECALLED,
        }.get(action)
        self._request(requests[action], _(outcome) if outcome else "")

    def _choose_postponement(self, kind: ReleaseKind, version: str) -> None:
        """Show the three times to which the version can be put off."""
        menu = wx.Menu()
        for postponement, label in POSTPONEMENTS.items():
            line = menu.Append(wx.ID_ANY, _(label))
            self.Bind(wx.EVT_MENU, partial(self._put_off, kind, version, postponement), line)
        button = self._buttons[UpdateAction.PUT_OFF]
        place = self.ScreenToClient(button.ClientToScreen(wx.Point(0, button.GetSize().height)))
        self.PopupMenu(menu, place)
        menu.Destroy()

    def _put_off(
        self, kind: ReleaseKind, version: str, postponement: Postponement, _event: wx.CommandEvent
    ) -> None:
        self._request(
            partial(self._port.put_off, kind, version, postponement), _(update_overview.PUT_OFF[postponement])
        )

    def _ask_for(self, release: Release) -> None:
        """Have the version fetched that a person reads about."""
        self._request(partial(self._port.start_download, release.kind, release.version))

    def _check_now(self) -> None:
        self._has_asked = True
        self._request(self._port.check)

    def _request(self, request: Callable[[], None], outcome: str = "") -> None:
        """Make *request* in a thread; show what is new, and *outcome* or the refusal."""
        self._say("")

        def on_answer(answer: tuple[Refusal | None] | None) -> None:
            (refusal,) = answer or (ProblemMet(problems.INTERNAL_ERROR.code),)
            # what is to be done before it may have changed
            self._prepared = ""
            self._look()
            self._show()
            self._say(word_refusal(refusal) if refusal is not None else outcome)

        # in a tuple, because no answer at all says that something failed
        run_in_background(self, "request", lambda: (attempt(request),), on_answer)

    def _choose_file(self) -> None:
        """Have a person choose a file, and take it if it is signed."""
        title = _("Choisissez le fichier d'une mise à jour")
        files = _("Programmes d'installation")
        with wx.FileDialog(
            self,
            title,
            wildcard=f"{files} (*.exe, *.msi)|*.exe;*.msi",
            style=wx.FD_OPEN | wx.FD_FILE_MUST_EXIST,
        ) as dialog:
            if dialog.ShowModal() == wx.ID_OK:
                self._take_file(dialog.GetPath())

    def _take_file(self, path: str) -> None:
        self._is_taking = True
        self._from_file.Disable()
        self._say(word_verifying(None))

        def report(progress: Progress) -> None:
            deliver(self, self._say, word_verifying(progress))

        def take() -> Release | Refusal:
            try:
                return self._port.take_file(path, report)
            except RefusedError as error:
                return error.refusal

        def on_answer(answer: Release | Refusal | None) -> None:
            self._is_taking = False
            if isinstance(answer, Release):
                self._kind = answer.kind
                sentence = _("Fichier vérifié : {name} {version}.")
                message = sentence.format(name=_(KINDS[answer.kind.value]), version=answer.version)
            else:
                message = word_refusal(answer or ProblemMet(problems.INTERNAL_ERROR.code))
            self._look()
            self._show()
            self._say(message)

        run_in_background(self, "file", take, on_answer)

    def _on_key(self, event: wx.KeyEvent) -> None:
        """Search with Ctrl and F, go on with F3; all else as in every window."""
        if event.GetModifiers() == wx.MOD_CONTROL and event.GetKeyCode() == ord("F"):
            self._reader.pane.start_search()
        elif event.GetModifiers() == wx.MOD_NONE and event.GetKeyCode() == wx.WXK_F3:
            self._reader.pane.find_next()
        else:
            super()._on_key(event)

    def _on_close(self, event: wx.CloseEvent) -> None:
        """Note that the end of an update was seen: it is not shown again.

        An end that the agent still launches Impact emploi after is not over.
        """
        self._timer.Stop()
        facts = self._facts[self._kind]
        is_over = facts.snapshot.state in (UpdateState.INSTALLED, UpdateState.WITHDRAWN)
        if is_over and facts.launch is not LaunchWish.ASKED:
            with suppress(RefusedError):
                self._port.read_result(self._kind)
        event.Skip()

    def _say(self, sentence: str) -> None:
        """Show *sentence* in the footer, "" for none."""
        self._message.set_text(sentence)
        self.lay_out()


def _set_label(control: wx.Window, label: str) -> None:
    """Show *label*; what does not change is not drawn again."""
    if control.GetLabel() != label:
        control.SetLabel(label)
