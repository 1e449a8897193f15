"""The sample sheet: every value is marked, and nothing of a title is HTML."""

import re
from html import unescape

from xbsql.pages.marked import sample_sheet


def answer(title, value, start=None):
    at = title.index(value) if start is None else start
    return {"value": value, "score": 0.9, "start": at + 1, "stop": at + len(value), "canonical": None}


def test_titles_stand_as_they_are_with_their_values_marked():
    title = "<b>Kelvona</b> navy & wool scarf"
    found = {
        "brand": answer(title, "Kelvona"),
        "colour": answer(title, "navy"),
        "<i>": answer(title, "wool scarf"),
    }
    found["material"] = answer(title, "wool")  # lies in another value
    html = sample_sheet([(title, found)])
    row = html[html.index("<td>") : html.index("</td>")]
    assert re.findall(r"<mark[^>]*>(.*?)</mark>", row) == ["Kelvona", "navy", "wool scarf"]
    assert unescape(re.sub(r"</?(?:mark|td)[^>]*>", "", row)) == title
    assert "<i>" not in html
    assert "<b>" not in html
    assert html.count("material: wool") == 1
