"""Pushes a run's model to the Hub: one commit, private unless asked otherwise, and checked once it is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nlptl.core.errors import HubError, InputError, NlptlError
from nlptl.core.pushing import FileToPush, Push
from nlptl.report import pushing
from nlptl.runs.artifact import is_read_by_name
from nlptl.ship import hub, portable
from nlptl.ship.hub import Repository
from nlptl.ship.portable import Contents

if TYPE_CHECKING:
    from huggingface_hub import HfApi

HUBS_OWN = (".gitattributes", ".gitignore")
"""Files that repositories hold for git."""


@dataclass(frozen=True)
class Goal:
    """Where a push goes."""

    repo: str
    public: bool
    """Whether a new repository is public."""
    revision: str | None


def push(
    run: str | Path,
    repo: str,
    *,
    public: bool = False,
    dry_run: bool = False,
    revision: str | None = None,
    message: str | None = None,
    base: str | None = None,
) -> Push:
    """Pushes a finished run's model and its card to the Hub, and returns what was sent.

    Files that the Hub has already are not sent again, so a push that was stopped goes on when it is called again.

    Args:
        run: the run's folder, or the model/ folder of one.
        repo: OWNER/NAME; made if it does not exist.
        public: makes a new repository public; one that exists keeps its visibility.
        dry_run: only says what would go; needs neither network nor token.
        revision: a branch, made from main if it does not exist; None: main.
        message: of the commit; None: task and method.
        base: the pretrained model's name on the Hub, if training read it from a folder.

    Raises:
        InputError: the run or the name is refused, the repository holds files in the way, or no token may write.
        HubError: the Hub cannot be reached or fails; what it has taken is kept.
    """
    hub.check_name(repo)
    if base is not None:
        hub.check_name(base, with_owner=False)
    found = portable.contents(Path(run), repo, base)
    api, goal = hub.client(), Goal(repo, public, revision)
    there, why = _asked(api, goal, needed=not dry_run)
    if there is not None and base is not None:
        hub.check_weights(api, base, found.base_sha256)
    planned = replace(_plan(api, found, goal, there), not_asked=why)
    (pushing.tried if dry_run else pushing.planned)(planned)
    _refuse_in_the_way(planned)
    return planned if dry_run else _pushed(api, found, planned, there or Repository(), message)


def _asked(api: HfApi, goal: Goal, *, needed: bool) -> tuple[Repository | None, str | None]:
    """Returns what the Hub has; if it cannot be asked, which is an error only if that is needed, None and why."""
    try:
        hub.check_token(api)
        return hub.look(api, goal.repo, goal.revision), None
    except NlptlError as error:
        if needed:
            raise
        return None, str(error)


def _plan(api: HfApi, found: Contents, goal: Goal, there: Repository | None) -> Push:
    """Returns what would go, compared with what the Hub has; `there`: None if it was not asked."""
    files = tuple(
        FileToPush(name, _size(content), "unknown" if there is None else there.state(name, content))
        for name, content in sorted(found.files.items())
    )
    asked = there or Repository()
    private = asked.private if asked.exists else not goal.public
    others = sorted(asked.files.keys() - found.files.keys() - set(HUBS_OWN))
    return Push(
        source=str(found.model),
        repo=goal.repo,
        url=f"{api.endpoint}/{goal.repo}" + (f"/tree/{goal.revision}" if goal.revision else ""),
        files=files,
        visibility="private" if private else "public",
        is_new=None if there is None else not there.exists,
        revision=goal.revision,
        is_new_revision=bool(goal.revision) and there is not None and not there.has_revision,
        others=tuple(name for name in others if not is_read_by_name(name)),
        in_the_way=tuple(name for name in others if is_read_by_name(name)),
        not_sent=found.not_sent,
        warnings=(*found.warnings, *_unasked_visibility(api, goal, asked)),
    )


def _unasked_visibility(api: HfApi, goal: Goal, there: Repository) -> Iterator[str]:
    if there.exists and there.private == goal.public:
        wanted = "--public (public=True) was given" if goal.public else "a new one would be private"
        yield (
            f"{goal.repo} is {'private' if there.private else 'public'} already and stays so, though {wanted}: "
            f"{api.endpoint}/{goal.repo}/settings changes that"
        )


def _refuse_in_the_way(planned: Push) -> None:
    """Raises an InputError if the repository holds files that loading would read beside the model's own."""
    if planned.in_the_way:
        raise InputError(
            f"{planned.repo} also holds {', '.join(planned.in_the_way)}, which loading would read beside this model's "
            "files: it would not be the trained model. Nothing was sent: delete them on the Hub, or choose another name"
        )


def _pushed(api: HfApi, found: Contents, planned: Push, there: Repository, message: str | None) -> Push:
    if planned.to_send:
        pushing.sending(planned)
        commit = _send(api, found, planned, there, message)
        _check(api, found, planned)
        planned = replace(planned, commit=commit)
    pushing.done(planned)
    return planned


def _send(api: HfApi, found: Contents, planned: Push, there: Repository, message: str | None) -> str:
    """Makes the repository and the branch if they are missing, and one commit; returns the commit's address."""
    from huggingface_hub import CommitOperationAdd

    from nlptl import __version__

    repo, revision = planned.repo, planned.revision
    with hub.asking(api, repo):
        if not there.exists:
            api.create_repo(repo, private=planned.visibility == "private", exist_ok=True)
        if planned.is_new_revision:
            api.create_branch(repo, branch=str(revision), exist_ok=True)
        commit = api.create_commit(
            repo,
            [CommitOperationAdd(file.name, found.files[file.name]) for file in planned.to_send],
            commit_message=message or f"{found.title}, trained with nlptl {__version__}",
            revision=revision,
            parent_commit=there.head,
        )
    return str(commit.commit_url)


def _check(api: HfApi, found: Contents, planned: Push) -> None:
    """Raises a HubError if the Hub does not have every file as it is here."""
    there = hub.look(api, planned.repo, planned.revision)
    wrong = [name for name, content in found.files.items() if there.state(name, content) != "same"]
    if wrong:
        raise HubError(
            f"{planned.url} does not have {', '.join(wrong)} as they are here: a .gitignore in the repository leaves "
            "them out, or somebody else has pushed meanwhile; look there, then run the command again"
        )


def _size(content: Path | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size
