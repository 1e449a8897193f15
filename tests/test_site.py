"""The site that `make docs` builds is whole, asks nothing of anyone, and says what the Markdown says."""

import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from posixpath import normpath
from urllib.parse import unquote, urlsplit

import pytest

import xbsql
from bench.report import requests

ROOT = Path(__file__).parents[1]
DOCS = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
FETCHED = ("src", "srcset", "data", "poster", "action")
CODE = {"pre", "code", "script", "style"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Read(HTMLParser):
    """What a page of the site says: ids, links, what it fetches, headings, and texts that are no code."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.fetched = [], set(), [], []
        self.headings, self.texts, self.tags = [""], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")
        for name, value in attrs:
            if name in ("id", "name"):
                self.ids.add(value)
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in FETCHED or name.endswith("href"):
                self.fetched.append(value or "")

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if {"h1", "h2", "h3"} & set(self.open):
            self.headings[-1] += data
        if (
            "article" in self.open
            and {"p", "li", "td"} & set(self.open)
            and not {"pre", "code", "script", "style"} & set(self.open)
        ):
            self.texts.append(data)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of a site built of a copy, so that the checkout stays as it is."""
    if find_spec("zensical") is None:
        pytest.skip("zensical is not installed: `make docs` installs it")
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "zensical.toml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.fixture(scope="session")
def pages(site):
    return {path.relative_to(site).as_posix(): Read(path.read_text()) for path in site.rglob("*.html")}


def navigation(entries):
    """The files that the navigation names, in its order."""
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            if isinstance(value, list):
                yield from navigation(value)
            else:
                yield value


def test_every_page_stands_in_the_navigation_once():
    settings = tomllib.loads((ROOT / "zensical.toml").read_text())
    assert sorted(navigation(settings["project"]["nav"])) == DOCS


def test_every_page_of_the_navigation_is_built_and_reached_from_the_first(pages):
    reached = {normpath(unquote(urlsplit(link).path)) for link in pages["index.html"].links} | {"index.html"}
    assert {name.removesuffix(".md") + ".html" for name in DOCS} <= reached & pages.keys()


def test_nothing_is_fetched_from_elsewhere(site, pages):
    for name, page in pages.items():
        for value in page.fetched:
            parts = urlsplit(value)
            assert not parts.netloc, f"{name} fetches {value}"
            assert parts.scheme in ("", "data"), f"{name} fetches {value}"
            inside = parts.path.startswith("/") or (site / name).parent.joinpath(parts.path).exists()
            assert parts.scheme == "data" or inside, f"{name}: no {value}"
    sheets = list(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        assert requests(f"<style>{sheet.read_text()}</style>") == 0, sheet.name


def test_every_inner_link_and_anchor_leads_somewhere(site, pages):
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                assert parts.scheme in ("http", "https"), f"{name} links {link}"
                continue
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            if name == "404.html" and parts.path.startswith("/"):  # which is shown at any address
                target = site / parts.path.lstrip("/")
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{name} links {link}"
            if parts.fragment:
                ids = pages[target.resolve().relative_to(site.resolve()).as_posix()].ids
                assert unquote(parts.fragment) in ids, f"{name} links {link}"


def test_the_reference_has_every_public_function(pages):
    with xbsql.connect() as con:
        names = [row[0] for row in con.sql("SELECT function FROM xb.help()").fetchall()]
    headings = pages["sql.html"].headings
    assert names
    for name in names:
        assert any(heading.startswith(f"xb.{name}(") for heading in headings), name


@pytest.mark.parametrize("name", DOCS)
def test_markdown_is_read_as_it_is_meant(pages, name):
    """Python-Markdown wants four blanks under a list's item and an empty line before a list."""
    page = pages[name.removesuffix(".md") + ".html"]
    for line in "".join(page.texts).splitlines():
        assert not re.match(r"\s*([-*] \w|\d+\. \w|\|.*\||```|#+ )", line), line
    text = re.sub(r"^```.*?^```", "", (ROOT / "docs" / name).read_text(), flags=re.MULTILINE | re.DOTALL)
    for tag, begins in {"ol": r"^ *1\. ", "table": r"^ *\|(?:[ :-]+\|)+$"}.items():
        assert page.tags.count(tag) == len(re.findall(begins, text, re.MULTILINE)), tag


def test_a_browser_opens_the_site_and_stays_in_it(site, browser):
    names = ("index.html", "sql.html", "hurts.html", "tutorial_sql.html")
    for page in browser(*(site / name for name in names), schemes=("light",)):
        outside = [url for url in page["asked"] if not url.startswith("/")]
        assert any(url.endswith(".css") for url in page["asked"]), page
        assert (outside, page["said"], page["dead"]) == ([], [], []), page
        assert page["before"]["wide"] == page["after"]["wide"] == [], page
