"""The console as a browser sees it: pages, forms, cookies. Knows no Django."""

from __future__ import annotations

import html.parser
import http.client
import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

Fields = dict[str, list[str]]


@dataclass
class Page:
    """One page: where redirects ended, its status, its text and what a browser would post from its forms."""

    url: str
    status: int
    headers: http.client.HTTPMessage
    text: str
    fields: Fields = field(default_factory=dict)

    @property
    def path(self) -> str:
        return urllib.parse.urlsplit(self.url).path


class Console:
    """A browser's session with one console."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def sign_in(self, user: str, password: str) -> Page:
        page = self.get("/admin/")
        return self.post(page.url, username=user, password=password, csrfmiddlewaretoken=page.fields["csrfmiddlewaretoken"][0])

    def get(self, path: str) -> Page:
        return self._open(self._request(path))

    def submit(self, page: Page, **values: Any) -> Page:
        """Post the form of a page with some of its values changed, as a browser does."""
        known = {name: given for name, given in page.fields.items() if name not in {"q", "s"}}
        return self.post(page.url, **known | values)

    def post(self, path: str, **values: Any) -> Page:
        return self._open(self._request(path, urllib.parse.urlencode(values, doseq=True).encode()))

    def _request(self, path: str, data: bytes | None = None) -> urllib.request.Request:
        url = urllib.parse.urljoin(self._base_url, path)
        return urllib.request.Request(url, data, {"referer": url})  # noqa: S310  # an address of ours

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            answer = self._opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            text = answer.read().decode()
            return Page(answer.url, answer.status, answer.headers, text, read_fields(text))


def read_fields(text: str) -> Fields:
    reader = _FieldReader()
    reader.feed(text)
    return reader.fields


class _FieldReader(html.parser.HTMLParser):
    """Collects the values of inputs, selects and text areas, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: Fields = {}
        self._select = ""
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        name = values.get("name", "")
        if tag == "input" and name:
            self._read_input(name, values)
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in values:
            self.fields.setdefault(self._select, []).append(values.get("value", ""))
        elif tag == "textarea" and name:
            self._area = name
            self.fields[name] = [""]

    def _read_input(self, name: str, values: dict[str, str]) -> None:
        kind = values.get("type", "text")
        if kind in {"submit", "button", "image", "file"} or (kind in {"checkbox", "radio"} and "checked" not in values):
            return
        value = values.get("value", "on" if kind == "checkbox" else "")
        if kind == "checkbox":  # several of one name are one field with several values
            self.fields.setdefault(name, []).append(value)
        else:
            self.fields[name] = [value]

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area][0] += data

    def handle_endtag(self, tag: str) -> None:
        self._select = "" if tag == "select" else self._select
        if tag == "textarea" and self._area:
            self.fields[self._area] = [self.fields[self._area][0].removeprefix("\n").removeprefix("\r\n")]
            self._area = ""
