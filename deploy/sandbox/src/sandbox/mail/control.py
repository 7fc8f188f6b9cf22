"""The control API over the mail catcher, and a page to read letters on."""

from html import escape

from aiohttp import web

from sandbox.bodies import parsed, shown
from sandbox.mail.catcher import Catcher, MailFaults
from sandbox.mail.letter import Letter

_PAGE = """<!doctype html><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px system-ui;max-width:50rem;margin:2rem auto}}td{{padding:.2rem 1rem .2rem 0}}
pre{{white-space:pre-wrap}}</style><h1>{title}</h1>{body}"""


def routes(catcher: Catcher) -> list[web.RouteDef]:
    """Return the routes that show and drop caught letters, and set faults."""
    control = _Control(catcher)
    return [
        web.get("/mail", control.list_letters),
        web.delete("/mail", control.delete_letters),
        web.get("/mail/faults", control.get_faults),
        web.put("/mail/faults", control.put_faults),
        web.get("/mail/{id}", control.get_letter),
    ]


class _Control:
    def __init__(self, catcher: Catcher) -> None:
        self._catcher = catcher

    async def list_letters(self, request: web.Request) -> web.Response:
        """List the letters, newest first: `?to=`; a browser gets a page."""
        found = self._catcher.letters(request.query.get("to"))
        if _is_browser(request):
            return _page("Caught mail", f"<table>{''.join(_row(letter) for letter in found)}</table>")
        return web.json_response({"letters": [letter.summary() for letter in found]})

    async def get_letter(self, request: web.Request) -> web.Response:
        letter = self._catcher.letter(request.match_info["id"])
        if letter is None:
            raise web.HTTPNotFound(text="no such letter")
        if _is_browser(request):
            return _page(str(letter.message["subject"]), _linked(letter))
        return web.json_response(letter.whole())

    async def delete_letters(self, request: web.Request) -> web.Response:
        """Drop all letters, or those `?to=` one address."""
        self._catcher.forget(request.query.get("to"))
        return web.Response(status=204)

    async def get_faults(self, _: web.Request) -> web.Response:
        return shown(self._catcher.faults)

    async def put_faults(self, request: web.Request) -> web.Response:
        self._catcher.faults = await parsed(request, MailFaults.model_validate_json)
        return await self.get_faults(request)


def _is_browser(request: web.Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")


def _row(letter: Letter) -> str:
    shown = letter.summary()
    to, subject = escape(", ".join(letter.recipients)), escape(str(shown["subject"]))
    return f'<tr><td>{letter.received_at:%H:%M:%S}<td>{to}<td><a href="/mail/{letter.id}">{subject}</a>'


def _linked(letter: Letter) -> str:
    """Show the plain text; its links, and no others, can be followed."""
    text = escape(letter.part("plain"))
    for link in dict.fromkeys(letter.links()):
        text = text.replace(escape(link), f'<a href="{escape(link)}">{escape(link)}</a>')
    return f"<p>To {escape(', '.join(letter.recipients))}</p><pre>{text}</pre>"


def _page(title: str, body: str) -> web.Response:
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    text = _PAGE.format(title=escape(title), body=body)
    return web.Response(text=text, content_type="text/html", headers=policy)
