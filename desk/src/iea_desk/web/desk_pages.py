"""What each address of ``iea-desk web`` answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from iea_agent.domain.day_password import EVERYONE
from iea_desk.inbox_folder import begins_mbox, iterate_mbox, iterate_messages
from iea_desk.keys import DeskError
from iea_desk.notice_order import NoticeOrder
from iea_desk.password_message import PasswordMessage
from iea_desk.request_files import RequestRefused, open_request
from iea_desk.support_case import SupportCase
from iea_desk.todays_password import make_todays_message
from iea_desk.web import notice_page
from iea_desk.web.case_pages import TEXT, render_case_page, render_start
from iea_desk.web.form_data import FormData, FormRefused, receive_form
from iea_desk.web.frame import complaint, render_page
from iea_desk.web.inbox_page import render_inbox_page, render_no_inbox
from iea_desk.web.mailbox import Mailbox
from iea_desk.web.markup import Content, tag

MOST_CASES = 50
"""Requests that stay open; the oldest goes first."""
MOST_DROPPED = 3
"""Mailboxes that were dropped and stay open, each of 10 MB at most; the oldest goes first."""
_FILES = {"desk.css": "text/css", "desk.js": "text/javascript", "desk.svg": "image/svg+xml"}
_BAD, _UNREADABLE = 400, 422


@dataclass(frozen=True, slots=True)
class DeskSources:
    """What the pages read: keys, a mailbox, the publisher's repository.

    Without a *key_file* the keys are in the vault; *inbox* and *repository* may be None.
    """

    key_file: Path | None = None
    kid: str = ""
    scope: str = EVERYONE
    inbox: Path | None = None
    repository: Path | None = None


class DeskPages:
    """The pages over *sources*, and the requests that were opened by hand."""

    def __init__(self, sources: DeskSources) -> None:
        self._sources = sources
        self._mailbox = Mailbox(partial(iterate_messages, sources.inbox)) if sources.inbox else None
        self._dropped: dict[int, Mailbox] = {}
        self._cases: dict[int, SupportCase] = {}
        self._count = 0
        self.application = Starlette(
            routes=[
                Route("/", self._show_start, methods=["GET"]),
                Route("/demande", _answer(self._open_case), methods=["POST"]),
                Route("/demande", self._show_case, methods=["GET"]),
                Route("/boite", self._show_inbox, methods=["GET"]),
                Route("/depot-{number:int}", self._show_dropped, methods=["GET"]),
                Route("/avis", self._show_notice, methods=["GET"]),
                Route("/avis", _answer(self._make_notice), methods=["POST"]),
                Route("/{name}", _send_file, methods=["GET"]),
            ],
            exception_handlers={HTTPException: _explain, Exception: _explain},
        )

    # a request

    async def _show_start(self, _request: Request) -> Response:
        return HTMLResponse(render_start(await run_in_threadpool(self._find_password)))

    async def _open_case(self, form: FormData) -> Response:
        text = form.fields.get(TEXT, "")
        try:
            if begins_mbox(form.file):
                # one window must not show what another has dropped
                self._count += 1
                self._dropped[self._count] = Mailbox(lambda: iterate_mbox(BytesIO(form.file)))
                if len(self._dropped) > MOST_DROPPED:
                    del self._dropped[min(self._dropped)]
                return RedirectResponse(f"depot-{self._count}", 303)
            if form.file:
                case = await run_in_threadpool(open_request, form.file)
            elif text.strip():
                case = await run_in_threadpool(open_request, text.encode("utf-8", "replace"))
            else:
                raise FormRefused("Collez un code ou un texte, ou choisissez un fichier.", _BAD)
        except DeskError as error:
            status = error.status if isinstance(error, FormRefused) else _UNREADABLE
            password = await run_in_threadpool(self._find_password)
            return HTMLResponse(render_start(password, text, str(error)), status)
        self._count += 1
        self._cases[self._count] = case
        self._cases.pop(self._count - MOST_CASES, None)
        return RedirectResponse(f"demande?n={self._count}", 303)

    async def _show_case(self, request: Request) -> Response:
        number = request.query_params.get("n", "")
        case = self._cases.get(int(number)) if number.isdecimal() and len(number) < 10 else None
        if case is None:
            raise HTTPException(404)
        return HTMLResponse(render_case_page(case, await self._find_password_for(case)))

    # the mailbox

    async def _show_inbox(self, request: Request) -> Response:
        if self._mailbox is None:
            return HTMLResponse(render_no_inbox())
        try:
            return await self._render_mailbox(self._mailbox, request, "boite")
        except (RequestRefused, OSError) as error:
            sentence = _word(error, self._sources.inbox, "La boîte est illisible")
            return _fail(sentence, 500, "Remettez-la en place, puis rechargez cette page.")

    async def _show_dropped(self, request: Request) -> Response:
        number: int = request.path_params["number"]
        if number not in self._dropped:
            return _fail(_DROPPED_GONE, 404, "Déposez-la de nouveau.")
        return await self._render_mailbox(self._dropped[number], request, f"depot-{number}")

    async def _render_mailbox(self, mailbox: Mailbox, request: Request, place: str) -> Response:
        opened = request.query_params.get("ouvert", "")[:64]
        view = await run_in_threadpool(mailbox.look)
        message = view.keys.get(opened)
        password = await self._find_password_for(message.case if message else None)
        return HTMLResponse(await run_in_threadpool(render_inbox_page, view, opened, password, place))

    # the notice

    async def _show_notice(self, request: Request) -> Response:
        query = request.query_params
        order = notice_page.suggest_order(query.get("code", ""), query.get("depuis", ""))
        return self._render_notice(order)

    async def _make_notice(self, form: FormData) -> Response:
        order = notice_page.make_order(form.fields)
        wanted = form.fields.get(notice_page.ORDER)
        now = datetime.now().astimezone()
        try:
            if wanted == notice_page.PREVIEW:
                outcome = notice_page.render_preview(
                    order, now, has_folder=self._sources.repository is not None
                )
            else:
                sentence = await run_in_threadpool(self._write_notice, order, wanted, now)
                outcome = notice_page.render_written(sentence)
        except (DeskError, OSError) as error:
            sentence = _word(error, self._sources.repository, "Le dépôt ne s'écrit pas")
            return self._render_notice(order, fault=sentence, status=_UNREADABLE)
        return self._render_notice(order, outcome=outcome)

    def _render_notice(
        self, order: NoticeOrder, *, fault: str = "", outcome: Content = None, status: int = 200
    ) -> Response:
        has_folder = self._sources.repository is not None
        return HTMLResponse(
            notice_page.render_notice_page(order, has_folder=has_folder, fault=fault, outcome=outcome), status
        )

    def _write_notice(self, order: NoticeOrder, wanted: str | None, now: datetime) -> str:
        if self._sources.repository is None or wanted not in (notice_page.WRITE, notice_page.END):
            raise DeskError("Aucun dépôt n'a été indiqué : iea-desk web --repository DOSSIER.")
        from iea_desk.publication import open_publication
        from iea_desk.release_orders import set_notice

        document = order.build_document(now) if wanted == notice_page.WRITE else None
        with open_publication(self._sources.repository) as publication:
            set_notice(publication, document)
            publication.save()
        return "Avis préparé." if document else "Il n'y aura plus d'avis."

    # the password of the day

    async def _find_password_for(self, case: SupportCase | None) -> PasswordMessage | str:
        """Return the password where the answer wants it, "" elsewhere."""
        if case is None or not case.wants_password:
            return ""
        return await run_in_threadpool(self._find_password)

    def _find_password(self) -> PasswordMessage | str:
        """Return today's password, or why there is none."""
        sources = self._sources
        try:
            return make_todays_message(sources.key_file, sources.scope, sources.kid)
        except (DeskError, OSError) as error:
            return _word(error, sources.key_file, "Le fichier des clés est illisible")


_REASONS: dict[type[OSError], str] = {
    FileNotFoundError: "il n'y a plus rien à cet endroit",
    PermissionError: "l'accès est refusé",
}


def _word(error: DeskError | OSError, place: Path | None, what: str) -> str:
    """Return *error* as a sentence that shows no folder of the person's."""
    if isinstance(error, DeskError):
        sentence = str(error)
    else:
        # the system has its own language
        reason = next((words for kind, words in _REASONS.items() if isinstance(error, kind)), error.strerror)
        sentence = f"{what} : {reason}."
    return sentence if place is None else sentence.replace(str(place), place.name)


def _answer(take: Callable[[FormData], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return what receives a form and has *take* answer it."""

    async def respond(request: Request) -> Response:
        try:
            form = await receive_form(request)
        except ClientDisconnect:
            return Response(status_code=_BAD)
        except FormRefused as error:
            return _fail(
                str(error), error.status, "Revenez à la page précédente : le navigateur a gardé votre saisie."
            )
        return await take(form)

    return respond


async def _send_file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _FILES:
        raise HTTPException(404)
    content = files(__package__).joinpath("files", name).read_bytes()
    return Response(content, media_type=_FILES[name])


async def _explain(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _fail(_SENTENCES.get(status, "Cette demande n'est pas possible."), status)


_DROPPED_GONE = f"Cette boîte n'est plus ouverte : iea-desk web garde les {MOST_DROPPED} dernières boîtes déposées, jusqu'à ce qu'il s'arrête."
_SENTENCES = {
    404: "Il n'y a rien à cette adresse. Les demandes ouvertes sont oubliées quand iea-desk web s'arrête.",
    500: "iea-desk a rencontré une erreur. La fenêtre où il a été lancé en donne le détail.",
}


def _fail(sentence: str, status: int, advice: str = "") -> Response:
    page = render_page("Impossible", tag("h1", "Impossible"), complaint(sentence, advice))
    return HTMLResponse(page, status)
