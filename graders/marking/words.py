"""What the server says to a marker, besides what stands in its pages."""

from __future__ import annotations

from graders.words.spoken import marked

OTHER_HOST = marked("This address is not that of the marking server: open the one that graders mark serve has printed.")
NO_KEY = marked(
    "This browser has no key to the marking server: open the whole address that graders mark serve has printed. "
    "A server that was started again has a new one."
)
OTHER_PAGE = marked(
    "This does not come from a page of the marking server, so nothing was saved: open the answer again."
)
NO_METHOD = marked("The marking server has nothing for such a request.")
NOT_THERE = marked("There is no such answer, or its student has handed in another one since: go to the questions.")
TOO_LONG = marked("This is too long, so nothing was saved: shorten the comment.")
CHANGED_LAST = marked("Your last mark is another by now, so nothing was taken back: look at it first.")
BROKEN = marked("The marking server failed at this page, and nothing was saved; its terminal says why.")
UNREADABLE = marked("A result in the gradebook is damaged, so nothing was saved: grade that submission again.")
