"""What has to be true of each command's answer at the scene: the same for every debugger.

One function a command, named after it; `CHECKS` has them by the command's name.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.matrix import checks_code, checks_tags
from tests.matrix.truth import Scene

Check = Callable[[Scene], None]

CHECKS: dict[str, Check] = {
    name.replace("_", "-"): check
    for module in (checks_code, checks_tags)
    for name, check in vars(module).items()
    if getattr(check, "__module__", "") == module.__name__ and not name.startswith("_")
}
