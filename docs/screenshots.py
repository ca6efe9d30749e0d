"""Takes the pictures of the portal that the README shows from the demo (`make screenshots`).

It serves the portal, looks at some accounts with a browser, and writes docs/portal-*.png.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tandem import settings, tokens
from tandem.tokens import Role

FOLDER = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
# name, account, page, width and height, colours
PICTURES = (
    ("overview", "A000127", "", 1000, 755, "light"),
    ("plan", "A000015", "/plan", 1000, 660, "light"),
    ("phone", "A000029", "", 390, 780, "dark"),
)


def main() -> None:
    """Take all pictures."""
    key = tokens.secret(settings.load())
    server = subprocess.Popen(
        [sys.executable, "-c", "from tandem.app import main; main()", "serve", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        found = re.search(r"http://[0-9.]+:[0-9]+", server.stderr.readline())
        if found is None:
            raise SystemExit(server.stderr.read())
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            for name, account, page, width, height, scheme in PICTURES:
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,  # type: ignore[arg-type]
                )
                sheet = context.new_page()
                token = tokens.issue_token(key, Role.SUBSCRIBER, account)
                sheet.goto(f"{found[0]}/portal/enter?token={token}")
                if page:
                    sheet.goto(f"{found[0]}/portal/accounts/{account}{page}")
                sheet.screenshot(path=FOLDER / f"portal-{name}.png")
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
