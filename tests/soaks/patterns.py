"""Random trees and ignore files, hostile ones too: what we make of them, and what the real git does.

python -m tests.soaks.patterns 400 [SEED]
"""

import random
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from baseten_jobs.workspace.selection import Selection
from baseten_jobs.workspace.walk import walk
from tests.support.repository import ENVIRONMENT, git

NAMES = ["a", "b", "ab", "aab", "lib", "x.log", "run1.log", "é",
         "a b", " lead", "end ", "!n", "#h", "b\\s", "a\nb", "-",
         "[", "]", "^", "A", "Z", "aé", "*", "?", "tab\t", "r\r", "a" * 30, "ab" * 15]  # fmt: skip
PIECES = ["a", "b", "lib", "x", ".log", "*", "*", "?", "**", "[ab]", "[!a]", "[^b]", "[a-z]", "[9-0]", "[a-Z]",
          "[z-ab]",
          "[]a]", "[!]a]", "[[:alpha:]]", "[[:nope:]]", "[[:space:]]", "[[:upper:]x]", "[a", "[[:]", "[a-]", "[--a]",
          "[\\]]", "[\\a-c]", "[a-\\c]", "[/]", "[a/b]", "\\*", "\\?", "\\a", "\\", "\\ ", " ", "é", "!", "#", "]", "-",
          "\t", "\r", "*a*a*a"]  # fmt: skip
WHOLE = ["*.log", "!x.log", "lib/", "!lib", "/lib", "lib/*", "*", "!*/", "a/**", "**/a", "a/**/b", "**/", "/**",
         "**/**",
         "\\#h", "\\!n", "/*", "//a", "a//b", "/", "!", "", " ", "#h", "\ufeff*", "a\\", "a\\/", "**\\/b", "a/**\\/b",
         "*a*a*a*ab", "*a" * 13 + "b"]  # fmt: skip


def a_name(chance: random.Random) -> str:
    return chance.choice(NAMES)


def a_pattern(chance: random.Random) -> str:
    if chance.random() < 0.3:
        return chance.choice(WHOLE)
    names = ["".join(chance.choices(PIECES, k=chance.choice([1, 1, 2, 3]))) for _ in range(chance.choice([1, 1, 2, 3]))]
    # Behind letters this git takes `**` for folders, too; its manual and later versions do not.
    names = ["**" if name.startswith("**") else name.replace("**", "*") for name in names]
    return chance.choice(["", "", "!", "/"]) + "/".join(names) + chance.choice(["", "", "/", " ", "\r"])


def a_tree(folder: Path, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 12)):
        path = folder.joinpath(*(a_name(chance) for _ in range(chance.choice([1, 1, 2, 3]))))
        with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
    folders = [folder, *(each for each in folder.rglob("*") if each.is_dir())]
    for each in folders:
        if each == folder or chance.random() < 0.3:
            lines = "\n".join(a_pattern(chance) for _ in range(chance.randint(1, 6)))
            (each / ".gitignore").write_bytes(lines.encode())


def ours(folder: Path) -> list[str]:
    return sorted(file.path for file in walk(str(folder), "", Selection(), None).files)


def gits(folder: Path) -> list[str]:
    git(folder, "init", "-q", "--template=")
    command = ["git", "ls-files", "-z", "-o", "--exclude-standard"]
    listed = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, check=True)
    names = listed.stdout.decode("utf-8", "surrogateescape").split("\0")
    return sorted(name for name in names if name and not name.endswith(".gitignore"))  # which never travels


def difference(seed: int) -> str:
    """What the two make of one random tree, if it is not the same."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        a_tree(folder, random.Random(seed))
        found, expected = ours(folder), gits(folder)
        if found == expected:
            return ""
        rules = {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob(".gitignore")}
        apart = sorted({*found} ^ {*expected})
        return f"seed {seed}: {apart} are {'chosen' if apart[0] in found else 'left out'} here only; {rules}"


if __name__ == "__main__":
    count, start = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    different = [each for each in map(difference, range(start, start + count)) if each]
    sys.stdout.write("\n".join([*different, f"{count} trees, {len(different)} of which git reads otherwise", ""]))
    sys.exit(1 if different else 0)
