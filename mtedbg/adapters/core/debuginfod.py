"""Debug files from debuginfod servers: only where the user agrees, kept for the next time.

A server is told the build ids of the program and its libraries, nothing else. What it sends is
used only if it has that build id. Sources: debuginfod(8), "WEBAPI"; debuginfod-client-config(7)
(DEBUGINFOD_URLS, DEBUGINFOD_CACHE_PATH, DEBUGINFOD_TIMEOUT, DEBUGINFOD_MAXTIME, DEBUGINFOD_MAXSIZE,
and the cache's folders, which GDB's client has as well).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from mtedbg.dataclass import dataclass, field

IDLE_S = 30.0
"""Seconds that a server may say nothing, where DEBUGINFOD_TIMEOUT does not say."""
MOST_S = 600.0
"""Seconds for one file, where DEBUGINFOD_MAXTIME does not say."""
MOST_BYTES = 2 << 30
"""Bytes of one file, where DEBUGINFOD_MAXSIZE does not say."""
_PART = 1 << 16
_MOST_URLS = 8

Agree = Callable[[tuple[str, ...]], bool]
"""Asked once, with the servers, before the first request."""
Progress = Callable[[str, int, int], None]
"""Told of what is loaded, how many bytes are there, and of how many (0 where unknown)."""


def urls_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The servers that DEBUGINFOD_URLS names: http and https, no files."""
    words = environment.get("DEBUGINFOD_URLS", "").split()
    found = [word.rstrip("/") for word in words if word.startswith(("http://", "https://"))]
    return tuple(found[:_MOST_URLS])


@dataclass
class Debuginfod:
    """A client that asks before it asks.

    Attributes:
        environment: has the servers and the limits.
        agree: whether the servers may be asked.
        progress: is told of what is loaded.
        remarks: gets a line for what could not be had.
    """

    environment: Mapping[str, str]
    agree: Agree
    progress: Progress
    remarks: list[str] = field(default_factory=list)
    _agreed: bool | None = None
    _unreachable: set[str] = field(default_factory=set)

    @property
    def urls(self) -> tuple[str, ...]:
        """The servers that may be asked."""
        return urls_of(self.environment)

    def fetch(self, build_id: str, kind: str, what: str) -> str:
        """The path of a file in the cache that a server had; empty where none has it.

        Args:
            build_id: hexadecimal.
            kind: "debuginfo" or "executable".
            what: the file's name, for people.
        """
        folder = cache_folder(self.environment)
        if not build_id or folder is None or not self.urls:
            return ""
        place = folder / build_id / kind
        if place.is_file():  # what was loaded once is nobody's question
            return str(place)
        if self._agreed is None:
            self._agreed = self.agree(self.urls)
        if not self._agreed:
            return ""
        for url in self.urls:
            if url not in self._unreachable and self._load(url, build_id, kind, place, what):
                return str(place)
        return ""

    def _load(self, url: str, build_id: str, kind: str, place: Path, what: str) -> bool:
        from http.client import HTTPException
        from urllib.error import HTTPError, URLError
        from urllib.request import Request, urlopen

        address = f"{url}/buildid/{build_id}/{kind}"
        request = Request(address, headers={"User-Agent": "mtedbg"})  # noqa: S310 - http alone
        try:
            with urlopen(request, timeout=self._idle) as answer:  # noqa: S310
                self._store(answer, place, what)
        except HTTPError as error:
            if error.code != 404:
                self.remarks.append(f"{url}: {error.code} {error.reason}")
            return False
        except (URLError, OSError, HTTPException, ValueError) as error:
            self._unreachable.add(url)
            reason = getattr(error, "reason", None) or error
            self.remarks.append(f"{url}: {reason}; not asked again")
            return False
        return True

    def _store(self, answer: object, place: Path, what: str) -> None:
        """Writes what a server sends, whole or not at all."""
        read: Callable[[int], bytes] = answer.read  # type: ignore[attr-defined]
        length = int(answer.headers.get("Content-Length") or 0)  # type: ignore[attr-defined]
        most, end = self._most_bytes, time.monotonic() + self._most_s
        if length > most:
            raise ValueError(f"{what} has {length} bytes, more than {most}")
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=place.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                done = 0
                self.progress(what, 0, length)
                while part := read(_PART):
                    done += len(part)
                    if done > most:
                        raise ValueError(f"{what} has more than {most} bytes")
                    if time.monotonic() > end:
                        raise TimeoutError(f"{what} took longer than {self._most_s:g} seconds")
                    file.write(part)
                    self.progress(what, done, length)
            if not done or (length and done != length):
                raise ValueError(f"{what} was cut off after {done} bytes")
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _number(self, name: str, default: float) -> float:
        try:
            found = float(self.environment.get(name, ""))
        except ValueError:
            return default
        return found if found > 0 else default

    @property
    def _idle(self) -> float:
        return self._number("DEBUGINFOD_TIMEOUT", IDLE_S)

    @property
    def _most_s(self) -> float:
        return self._number("DEBUGINFOD_MAXTIME", MOST_S)

    @property
    def _most_bytes(self) -> int:
        return int(self._number("DEBUGINFOD_MAXSIZE", MOST_BYTES))


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """The folder that debuginfod's client keeps files in; None where there is no place for one."""
    if named := environment.get("DEBUGINFOD_CACHE_PATH"):
        return Path(named)
    home = environment.get("HOME", "")
    base = environment.get("XDG_CACHE_HOME") or (home and f"{home}/.cache")
    return Path(base) / "debuginfod_client" if base else None
