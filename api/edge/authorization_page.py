"""What a person sees whose wallet asks to be let in: one plain page with one field, no script, no style, no cookie."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from fastapi.responses import HTMLResponse

from api.edge.oauth import NO_STORE, described
from identity.errors import WalletRefusedError

ACTION = "/openid4vci/authorize"
HEADERS = {
    **NO_STORE,
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<h1>{title}</h1>
{body}
</html>
"""

_FORM = """<p>An app wants to fetch <b>{name}</b>, which was offered to you.
It will be handed to <b>{destination}</b>.</p>
<p>If that is the app you have just opened, type the code that goes with the offer. If not, close this page: nothing has
happened.</p>
<form method="post" action="{action}">
{fields}
<p><label>Code <input name="login_code" inputmode="numeric" autocomplete="one-time-code" required></label>
<button>Continue</button></p>
</form>"""


def form_page(parameters: Mapping[str, str], name: str, destination: str) -> HTMLResponse:
    """Asks for the login code, and sends the wallet's parameters along with it."""
    fields = "\n".join(
        f'<input type="hidden" name="{escape(field)}" value="{escape(value)}">' for field, value in parameters.items()
    )
    body = _FORM.format(name=escape(name), destination=escape(destination), action=ACTION, fields=fields)
    return HTMLResponse(_PAGE.format(title="Let your wallet in?", body=body), headers=HEADERS)


def refused_page(error: WalletRefusedError) -> HTMLResponse:
    """Says why, to the person; the wallet is not told (`identity.openid4vci.authorization`)."""
    said = f"{escape(described(error))} ({error.fault})."
    body = f"<p>{said}</p>\n<p>Go back and try once more, or ask for a new offer where you came from.</p>"
    return HTMLResponse(_PAGE.format(title="This does not work", body=body), 400, HEADERS)
