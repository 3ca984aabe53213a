"""Text of users, programs and servers elsewhere, made harmless to look at. Jinja escapes its HTML."""
import re

# Colours and other commands to terminals (ECMA-48), among them titles of windows and links.
TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[@-Z\\-_])?")
# What cannot be seen, or turns the order of what can (Unicode bidirectional controls).
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
                    "\ud800-\udfff\U000e0000-\U000e007f]")
LINE, TITLE, BLOCK = 500, 200, 20_000


def line(text: str | None, limit: int = LINE) -> str:
    """The text on one line, of at most so many characters."""
    return _shown(" ".join((text or "")[:4 * limit].split()), limit)


def block(text: str | None, limit: int = BLOCK) -> str:
    """The text with its lines; of one that is longer than the limit the beginning."""
    return _shown((text or "")[:4 * limit].replace("\r\n", "\n").replace("\r", "\n"), limit)


def end(text: str | None, limit: int = BLOCK) -> str:
    """The text with its lines; of one that is longer than the limit the end, where logs say most."""
    kept = TERMINAL.sub("", (text or "")[-4 * limit:].replace("\r\n", "\n").replace("\r", "\n"))
    return ("…" if len(kept) > limit or len(text or "") > 4 * limit else "") + UNSEEN.sub("\ufffd", kept[-limit:])


def _shown(text: str, limit: int) -> str:
    kept = TERMINAL.sub("", text)
    return UNSEEN.sub("\ufffd", kept[:limit]) + ("…" if len(kept) > limit else "")
