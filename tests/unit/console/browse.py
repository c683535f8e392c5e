"""A browser without JavaScript, in process: keeps cookies, follows redirects, fills forms, over plain ASGI."""

import asyncio
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

ORIGIN = "http://hub.test"


class Answer:
    """One answer."""

    def __init__(self, url: str, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.url, self.status, self.body = url, status, body
        self.headers = {name.decode().lower(): value.decode() for name, value in headers}
        self.cookies = [value.decode() for name, value in headers if name.lower() == b"set-cookie"]

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def page(self) -> "Page":
        return Page(self.text)


class Page(HTMLParser):
    """What tests look at: the tags with their attributes, the forms with their fields, the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.forms: list[dict[str, Any]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag == "form":
            self.forms.append(
                {"action": attributes.get("action", ""), "method": attributes.get("method", "get"), "fields": {}}
            )
        if tag == "input" and self.forms and attributes.get("type") in {"hidden", "text", "number"}:
            self.forms[-1]["fields"][attributes.get("name", "")] = attributes.get("value", "")
        if tag == "input" and self.forms and attributes.get("type") == "radio" and "checked" in attributes:
            self.forms[-1]["fields"][attributes["name"]] = attributes["value"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.words).split())

    def form(self, action: str) -> dict[str, Any]:
        return next(form for form in self.forms if form["action"] == action)

    def links(self) -> list[str]:
        return [attributes["href"] for tag, attributes in self.tags if tag == "a" and "href" in attributes]


class Browser:
    """`get` and `post` follow redirects like a browser does."""

    def __init__(self, app: Any, *, scheme: str = "http") -> None:
        self.app, self.scheme = app, scheme
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Answer:
        return self._follow(self.ask("GET", path, headers=headers))

    def post(self, path: str, fields: dict[str, Any], *, origin: str | None = ORIGIN) -> Answer:
        headers = {"content-type": "application/x-www-form-urlencoded"} | ({"origin": origin} if origin else {})
        return self._follow(self.ask("POST", path, headers=headers, body=urlencode(fields).encode()))

    def submit(self, answer: Answer, action: str, **values: Any) -> Answer:
        """Fill the form with that action and send it."""
        form = answer.page.form(action)
        return self.post(action, form["fields"] | values)

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        answer = asyncio.run(self._ask(method, path, headers or {}, body))
        for cookie in answer.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        return answer

    def _follow(self, answer: Answer) -> Answer:
        while answer.status in {302, 303}:
            answer = self.ask("GET", urljoin(answer.url, answer.headers["location"]))
        return answer

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(path)
        sent = {"host": "hub.test", "content-length": str(len(body))} | headers
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": self.scheme, "server": ("hub.test", 80),
            "client": ("127.0.0.1", 1), "root_path": "", "path": parts.path, "raw_path": parts.path.encode(), "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()], "state": {},
        }  # fmt: skip
        messages: list[dict[str, Any]] = []
        todo = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not todo:
                await asyncio.Event().wait()  # a patient client: it never hangs up
            return todo.pop()

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        start = messages[0]
        content = b"".join(message.get("body", b"") for message in messages[1:])
        return Answer(path, start["status"], list(start["headers"]), content)
