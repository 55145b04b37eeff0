"""The HTML of the login page: no script, no external resource."""

import html
from collections.abc import Mapping

from imagegen_core.messages import Language
from imagegen_http.guard import plain_page

_FORM = """{problem}<form method="post" action="/login">
<label for="password">{label}</label>
<input id="password" name="password" type="password" required autofocus
 autocomplete="current-password"{invalid}>
<input type="hidden" name="next" value="{next}">
<button type="submit">{button}</button>
</form>"""
_TITLES = {Language.ZH: "登录", Language.EN: "Log in"}
_TEXTS: Mapping[Language, Mapping[str, str]] = {
    Language.ZH: {"label": "访问令牌", "button": "登录"},
    Language.EN: {"label": "Access token", "button": "Log in"},
}
_AGAIN = {Language.ZH: ("正在打开", "继续"), Language.EN: ("Opening", "Go on")}
_WRONG = {Language.ZH: "访问令牌不正确", Language.EN: "The access token is not correct"}


def render(language: Language, *, wrong: bool, target: str) -> bytes:
    """Return the page; ``wrong`` after a failed attempt; ``target`` is the path that a login redirects to."""
    form = _FORM.format(
        **_TEXTS[language],
        problem=f'<p id="problem" role="alert">{_WRONG[language]}</p>\n' if wrong else "",
        invalid=' aria-invalid="true" aria-describedby="problem"' if wrong else "",
        next=html.escape(target),
    )
    return plain_page.render(language, title=_TITLES[language], body=form)


def render_again(language: Language, *, target: str) -> bytes:
    """Return a page that asks for ``target`` at once, by itself."""
    title, words = _AGAIN[language]
    address = html.escape(target)
    return plain_page.render(
        language,
        title=title,
        head=f'\n<meta http-equiv="refresh" content="0; url={address}">',
        body=f'<p><a class="button" href="{address}">{words}</a></p>',
    )
