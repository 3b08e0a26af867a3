"""What a page of HTML, or a part of one that a notebook shows, has in it."""

import base64
from html.parser import HTMLParser


class Page(HTMLParser):
    """Gathers what a page has in it, and checks that its elements are closed in order."""

    VOID = ("meta", "img")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def shown(thing):
    """Return what a notebook shows of a thing, if that is one part of a page that needs nothing else."""
    text = thing._repr_html_()
    page = Page(text)
    assert (page.tags[0], page.words[0].count("{")) == ("div", page.words[0].count("}"))
    assert not {"script", "link", "iframe", "object", "html", "body"} & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "href"):
            assert value.startswith("data:image/png;base64,")
    return page


def pictures(page):
    """Return the PNG files in it."""
    return [base64.b64decode(value.partition(",")[2]) for name, value in page.attributes if name == "src"]
