"""The Hub, as a push needs it: what a repository holds, sending files, and errors in plain words."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nlptl.core.digest import git_sha1_of, sha256_of_content
from nlptl.core.errors import HubError, InputError, NlptlError
from nlptl.core.pushing import State
from nlptl.models.sources import WEIGHTS, sha256_of_weights
from nlptl.report import voice

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

TOKEN = "the environment variable HF_TOKEN, or the command `hf auth login`"
AGAIN = "what the Hub has already taken is kept: the same command goes on"


@dataclass(frozen=True)
class Repository:
    """What the Hub has under a name."""

    exists: bool = False
    private: bool = True
    has_revision: bool = False
    """Whether the branch exists."""
    head: str | None = None
    """The newest commit."""
    files: Mapping[str, RepoFile] = field(default_factory=dict)
    """Of the branch; of main if the branch does not exist, because it would begin there."""

    def state(self, name: str, content: Path | bytes) -> State:
        """Returns how a file compares with the repository's."""
        if name not in self.files:
            return "new"
        there = self.files[name]
        own = sha256_of_content(content) if there.lfs else git_sha1_of(content)
        return "same" if own == (there.lfs.sha256 if there.lfs else there.blob_id) else "changed"


def check_name(repo: str, *, with_owner: bool = True) -> None:
    """Raises an InputError if this is no name that the Hub takes; some old models there have no owner."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    if repo.count("/") > 1 or (with_owner and "/" not in repo):
        raise InputError(f"{repo!r} is no repository's name: expected OWNER/NAME, your name on the Hub and the model's")
    try:
        for part in repo.split("/"):
            validate_repo_id(part)
        validate_repo_id(repo)
    except HFValidationError as error:
        raise InputError(
            f"{repo!r} is no repository's name: expected OWNER/NAME of letters, digits, '-', '_' and '.', at most 96, "
            "without '--' or '..', and neither beginning nor ending with '-' or '.', nor ending with '.git'"
        ) from error


def check_token(api: HfApi) -> None:
    """Raises an InputError if the user has given no token for the Hub."""
    from huggingface_hub import get_token

    if get_token() is None:
        raise InputError(
            f"there is no token for {api.endpoint}: expected one with write access, from "
            f"{api.endpoint}/settings/tokens, given by {TOKEN}"
        )


def client() -> HfApi:
    """Returns the Hub's client, which reads HF_ENDPOINT and the token."""
    from huggingface_hub import HfApi

    return HfApi()


def look(api: HfApi, repo: str, revision: str | None) -> Repository:
    """Returns what the Hub has.

    Raises:
        InputError: the token is refused.
        HubError: the Hub cannot be reached, or fails.
    """
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
    from huggingface_hub.hf_api import RepoFile

    with asking(api, repo):
        has_revision = True
        try:
            info = api.model_info(repo, revision=revision)
        except RevisionNotFoundError:
            has_revision, info = False, api.model_info(repo)
        except RepositoryNotFoundError as error:
            if error.response.status_code == 404:
                return Repository()
            raise
        tree = api.list_repo_tree(repo, recursive=True, revision=revision if has_revision else None)
        files = {file.path: file for file in tree if isinstance(file, RepoFile)}
    return Repository(True, bool(info.private), has_revision, info.sha, files)


def check_weights(api: HfApi, base: str, sha256: str) -> None:
    """Raises an InputError if a pretrained model of the Hub has other weights than training used.

    Args:
        api: the client.
        base: the model's name.
        sha256: of the weights that training used.
    """
    there = look(api, base, None)
    hashes = [file.lfs.sha256 for name, file in sorted(there.files.items()) if _is_weights(name) and file.lfs]
    if sha256_of_weights(hashes) != sha256:
        what = "has other weights than training used" if there.exists else "is not there, or the token may not see it"
        raise InputError(f"--base (base=...) {base!r}: {api.endpoint}/{base} {what}; nothing was sent")


def _is_weights(name: str) -> bool:
    return "/" not in name and PurePosixPath(name).match(WEIGHTS)


@contextmanager
def asking(api: HfApi, repo: str) -> Iterator[None]:
    """Wraps talking to the Hub: whatever its client raises becomes an error in plain words.

    Raises:
        InputError: the user can mend it: the token, its rights, HF_HUB_OFFLINE.
        HubError: any other failure.
    """
    try:
        with _bars_for_people(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Use 'content=", DeprecationWarning)  # the client's use of its library
            yield
    except NlptlError:
        raise
    except KeyboardInterrupt as error:
        error.add_note(AGAIN)
        raise
    except Exception as error:  # the client, its HTTP library and its uploader in Rust raise errors of many types
        raise _in_words(error, repo, api.endpoint) from error


def _in_words(error: Exception, repo: str, endpoint: str) -> NlptlError:
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    causes = list(_causes(error))
    if any(isinstance(cause, OfflineModeIsEnabled) for cause in causes):
        return InputError("the Hub is not asked, because HF_HUB_OFFLINE is set: unset it to push")
    answered = next((cause for cause in causes if isinstance(cause, HfHubHTTPError)), None)
    if answered is not None:
        return _refused(answered.response.status_code, answered.server_message or str(answered), repo, endpoint)
    what = f"{error}: {causes[-1]}" if len(causes) > 1 and str(causes[-1]) not in str(error) else str(error)
    if any(isinstance(c, OSError) or type(c).__module__.partition(".")[0] in ("httpx", "httpx2") for c in causes):
        return HubError(f"the connection to {endpoint} failed ({what}): check the network and HF_ENDPOINT; {AGAIN}")
    return HubError(f"sending to {endpoint} failed ({what}); {AGAIN}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refused(status: int, message: str, repo: str, endpoint: str) -> NlptlError:
    """Returns the error for the Hub's answer to a request."""
    said = " ".join(message.split())
    match status:
        case 401:
            return InputError(
                f"{endpoint} refused the token ({said}): expected one with write access, from "
                f"{endpoint}/settings/tokens, given by {TOKEN}"
            )
        case 403:
            return InputError(
                f"the token may not write to {repo!r} ({said}): expected your own name or an organisation of yours "
                f"before the '/', and a token with write access there; see {endpoint}/settings/tokens"
            )
        case 404:
            return InputError(f"{endpoint} does not have {repo!r}, or the token may not see it ({said})")
        case 412:
            return HubError(
                f"{repo!r} was changed on the Hub meanwhile, so nothing was committed: run the command again"
            )
    return HubError(f"{endpoint} did not take the model ({status}: {said}); {AGAIN}")


@contextmanager
def _bars_for_people() -> Iterator[None]:
    """Shows the client's progress bars on a terminal only, and not if quiet."""
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if are_progress_bars_disabled() or (sys.stderr.isatty() and not voice.is_quiet()):
        yield
        return
    with warnings.catch_warnings(action="ignore"):  # HF_HUB_DISABLE_PROGRESS_BARS=0 says otherwise
        disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
