"""What can go wrong, in words for whoever it happens to."""

from __future__ import annotations

from http import HTTPStatus


class Fault(Exception):  # noqa: N818  (it is the answer, seldom an error of ours)
    """A request that is answered with a page that says what is wrong."""

    def __init__(self, status: HTTPStatus, title: str, text: str, *, enters: bool = False) -> None:
        """Say what is wrong; ``enters``: and how to get in."""
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text
        self.enters = enters


def not_entered() -> Fault:
    """401: nobody is known here."""
    return Fault(
        HTTPStatus.UNAUTHORIZED,
        "Please come in through your carrier",
        "This page shows an account to its holder. We do not know yet who you are.",
        enters=True,
    )


def ended() -> Fault:
    """401: the time is over."""
    return Fault(
        HTTPStatus.UNAUTHORIZED,
        "Your visit has ended",
        "For your safety a link to your account holds for a limited time only.",
        enters=True,
    )


def not_genuine() -> Fault:
    """401: the token is none of ours."""
    return Fault(
        HTTPStatus.UNAUTHORIZED,
        "This link does not work",
        "It may have been cut off on its way. Nothing of any account was shown.",
        enters=True,
    )


def bad_request(text: str) -> Fault:
    """400."""
    return Fault(HTTPStatus.BAD_REQUEST, "We could not read that", text)


def not_found(text: str = "There is nothing at this address.") -> Fault:
    """404."""
    return Fault(HTTPStatus.NOT_FOUND, "Not found", text)


def not_yours(text: str) -> Fault:
    """403."""
    return Fault(HTTPStatus.FORBIDDEN, "Not for your role", text)


def updating() -> Fault:
    """503: the database is of another version than this server."""
    return Fault(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "We are being updated",
        "These pages are being brought up to date and are back in a few minutes. Your account is as"
        " it was; nothing was lost or changed.",
    )


def away() -> Fault:
    """503."""
    return Fault(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "We will be right back",
        "The figures of your account cannot be read just now. Please try again in a few seconds;"
        " nothing was lost or changed.",
    )
