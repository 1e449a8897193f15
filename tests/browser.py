"""`python tests/browser.py light|dark FILE...`: open pages in Chromium (QtWebEngine) and print JSON of it.

Each page is served from its folder and opened in a window of 360 and one of 1200 pixels; nothing is kept, and
no request leaves the machine. A dict a page and window says what it asked for ('/a.css' is of its folder),
what its console said, and what tests/browser.js saw before and after it pressed all that can be pressed.
BROWSER_PICTURES names a folder for a picture of each.
"""

import itertools
import json
import os
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer, QUrl
from PySide6.QtWebEngineCore import QWebEnginePage, QWebEngineProfile, QWebEngineUrlRequestInterceptor
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication

WIDTHS = (360, 1200)
SCRIPT = Path(__file__).with_suffix(".js").read_text()
SECONDS = 120


class Served(SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each."""

    def log_message(self, *said):
        """Nothing."""


class Asked(QWebEngineUrlRequestInterceptor):
    """Keeps what a page asks for beside itself, and blocks what leads away."""

    def __init__(self, origin, own):
        super().__init__()
        self.origin, self.own, self.urls = origin, own, []

    def interceptRequest(self, info):
        url = info.requestUrl().toString().partition("#")[0]
        if url.startswith(("data:", "blob:", "about:")):
            return
        if url not in (self.own, f"{self.origin}/favicon.ico"):  # a browser looks for that by itself
            self.urls.append(url.removeprefix(self.origin))
        if not url.startswith(self.origin):
            info.block(True)


class Page(QWebEnginePage):
    """Keeps what the console says."""

    def __init__(self, profile):
        super().__init__(profile)
        self.said = []

    def javaScriptConsoleMessage(self, level, message, line, source):
        self.said.append(f"{level.name} {message} ({source}:{line})")


def waited(start):
    """What `start(done)` gives to `done`; ends the program where it does not within SECONDS."""
    loop, found = QEventLoop(), []
    QTimer.singleShot(SECONDS * 1000, loop.quit)
    start(lambda value=None: (found.append(value), loop.quit()))
    if not found:
        loop.exec()
    return found[0] if found else sys.exit(f"browser: nothing within {SECONDS} s")


def told(page, function):
    """What a function of browser.js gives; what it threw ends the program."""
    work = f"try {{ return JSON.stringify({function}()) }} catch (e) {{ return e.stack }}"
    call = f"(() => {{ {SCRIPT} {work} }})()"
    found = waited(lambda done: page.runJavaScript(call, done))
    return json.loads(found) if found[:1] == "{" else sys.exit(f"browser: {page.url().toString()}: {found}")


def looked(path, width, scheme):
    """One page in one window."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Served, directory=str(path.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    profile, asked = QWebEngineProfile(), Asked(origin, f"{origin}/{path.name}")
    profile.setUrlRequestInterceptor(asked)
    view, page = QWebEngineView(), Page(profile)
    view.setPage(page)
    view.resize(width, 900)
    view.show()
    page.load(QUrl(asked.own))
    loaded = waited(page.loadFinished.connect)
    waited(lambda done: QTimer.singleShot(150, done))
    before, pressed = told(page, "measure"), told(page, "press")
    waited(lambda done: QTimer.singleShot(150, done))
    after = told(page, "measure")
    if folder := os.environ.get("BROWSER_PICTURES"):
        view.grab().save(f"{folder}/{path.stem}_{width}_{scheme}.png")
    view.close()
    server.shutdown()
    found = {"page": path.name, "window": width, "scheme": scheme, "loaded": loaded, "before": before}
    return found | {"after": after, "asked": asked.urls, "said": page.said, **pressed}


def main(scheme, *paths):
    """Look at each page in each window."""
    preferred = {"dark": 0, "light": 1}[scheme]
    os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = (
        f"--disable-gpu --blink-settings=preferredColorScheme={preferred}"
    )
    os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"  # the pages are ours, and this may run as root
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication([])
    windows = itertools.product([Path(path).resolve() for path in paths], WIDTHS)
    print(json.dumps([looked(*window, scheme) for window in windows]))
    sys.stdout.flush()
    os._exit(int(app is None))  # Qt's own end of a profile waits and warns


if __name__ == "__main__":
    main(*sys.argv[1:])
