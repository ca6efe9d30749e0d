"""A portal that is served, and visits to it with a browser that forgives nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tandem.tokens import Role, issue_token
from tests.serve.support import SECRET, Served

CHROMIUM = "/usr/bin/chromium"
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1200, "height": 800}


@contextmanager
def browsing() -> Iterator[Browser]:
    """A real browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """A visit with a browser.

    Attributes:
        complaints: of the console, and requests to other hosts.
    """

    url: str
    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        host = urlsplit(self.url).netloc
        self.page.on(
            "console",
            lambda said: (
                self.complaints.append(said.text) if said.type in ("error", "warning") else None
            ),
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "request",
            lambda request: (
                None
                if urlsplit(request.url).netloc == host or request.url.startswith("data:")
                else self.complaints.append(request.url)
            ),
        )

    def enter(self, role: Role, subject: str, at: str = "") -> None:
        """Open the link of a token."""
        self.page.goto(f"{self.url}/portal{at}/enter?token={token(role, subject)}")
        self.look()

    def go(self, path: str) -> None:
        """Open a page of the portal."""
        answer = self.page.goto(f"{self.url}/portal{path}")
        assert answer is not None and answer.status == 200, path
        self.look()

    def click(self, name: str, role: str = "link") -> None:
        """Follow a link, or press a button, as somebody who reads it."""
        self.page.get_by_role(role, name=name, exact=True).first.click()  # type: ignore[arg-type]
        self.look()

    def look(self) -> None:
        """The page is not wider than the window, and the browser has nothing to say against it."""
        self.page.wait_for_load_state()
        wide = self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not wide, f"{self.page.url} is wider than the window"
        assert not self.complaints, self.complaints
        assert "token" not in self.page.url

    @property
    def text(self) -> str:
        """What can be read."""
        return self.page.locator("body").inner_text()

    def assert_accessible(self) -> None:
        """Axe finds nothing."""
        found = Axe().run(self.page)
        assert found.violations_count == 0, f"{self.page.url}: {found.generate_report()}"


def visit(
    served: Served, browser: Browser, size: dict[str, int] | None = None, scheme: str = "light"
) -> Visit:
    """Somebody's first sight of the portal."""
    context = browser.new_context(
        viewport=size or DESKTOP,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    return Visit(served.url, context.new_page())


def token(role: Role, subject: str) -> str:
    return issue_token(SECRET, role, subject)


def client(served: Served, role: Role | None = None, subject: str = "") -> httpx.Client:
    """Without a browser; let in unless the role is None."""
    made = httpx.Client(base_url=f"{served.url}/portal", timeout=30)
    if role is not None:
        answer = made.get("/enter", params={"token": token(role, subject)})
        assert answer.status_code == 303, answer.text
    return made
