"""What a push says on the terminal."""

from collections.abc import Iterable

from nlptl.core.pushing import FileToPush, Push
from nlptl.report.voice import say, tell, warn

MOST = 10
"""Names of files in one line."""


def planned(push: Push) -> None:
    """Prints what goes where and how big it is."""
    say("push", f"{push.source} to {push.url}")
    say("repo", _repo(push))
    for file in push.files:
        say("file", _file(file))
    _told(push)


def tried(push: Push) -> None:
    """Prints what a dry run found, even when quiet, because it is what was asked for."""
    tell("push", f"{push.source} would go to {push.url}")
    tell("repo", _repo(push))
    for file in push.files:
        tell("file", _file(file))
    _told(push)
    tell("dry run", f"would send {_sum(push.to_send)}; nothing was sent")


def sending(push: Push) -> None:
    """Prints how much is about to be sent."""
    say("send", _sum(push.to_send))


def done(push: Push) -> None:
    """Prints the address, even when quiet."""
    if push.commit is None:
        tell("same", f"nothing to send: {push.url} has these {len(push.files)} files already; no commit was made")
        return
    say("checked", f"the Hub has all {len(push.files)} files as they are here")
    say("commit", push.commit)
    tell("pushed", push.url)


def _told(push: Push) -> None:
    if push.not_sent:
        say("note", f"stays here, because it is no part of the model: {_names(push.not_sent)}")
    if push.others:
        say("note", f"stays on the Hub as it is, because it is no part of the model: {_names(push.others)}")
    if push.not_asked:
        warn(f"the Hub was not asked what it has: {push.not_asked}")
    for message in push.warnings:
        warn(message)


def _repo(push: Push) -> str:
    branch = f", branch {push.revision}{' (new)' if push.is_new_revision else ''}" if push.revision else ""
    if push.is_new is None:
        return f"{push.repo}{branch}; {push.visibility} if it is new"
    other = "" if push.visibility == "public" else "; --public makes a public one"
    return f"{push.repo}, {f'new, {push.visibility}{other}' if push.is_new else f'exists, {push.visibility}'}{branch}"


def _file(file: FileToPush) -> str:
    return f"{'' if file.state == 'unknown' else file.state:<8}{_size(file.size):>10}  {file.name}"


def _sum(files: Iterable[FileToPush]) -> str:
    sizes = [file.size for file in files]
    return f"{len(sizes)} files, {_size(sum(sizes))}"


def _size(n_bytes: float) -> str:
    if n_bytes < 1024:
        return f"{n_bytes:.0f} B"
    for unit in ("KiB", "MiB"):
        n_bytes /= 1024
        if n_bytes < 1024:
            return f"{n_bytes:,.1f} {unit}"
    return f"{n_bytes / 1024:,.1f} GiB"


def _names(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"{', '.join(names[:MOST])}{more}"
