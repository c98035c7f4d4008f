"""What a newcomer leans on at the prompt: --help with an example, completion, and errors that say what to do next."""

import re
import shutil
import subprocess

import pytest

from process import TOP, build_dir, run

BASH = """
source "$1"
complete_line() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_outagectl 2>/dev/null
	printf '%s\\t' "${*:2}" "${COMPREPLY[@]}"
	printf '\\n'
}
while IFS= read -r line; do
	read -ra words <<<"$line"
	[[ $line != *' ' && -n $line ]] || words+=('')
	complete_line "$2" "${words[@]}"
done
"""
# The options and functions of zsh's completion system; these print what they are given.
ZSH = """
setopt bareglobqual extendedglob nullglob rcexpandparam
compadd() { shift; print -rn -- "${(pj:\\t:)@}"$'\\t' }
_describe() { local -a all=(${(P)@[-1]}); all=(${all%%:*}); print -rn -- "${(pj:\\t:)all}"$'\\t' }
_files() { print -rn -- $'FILES\\t' }
compset() { return 1 }
file=$1 program=$2
while IFS= read -r line; do
	words=($program ${=line})
	[[ $line != *' ' && -n $line ]] || words+=('')
	CURRENT=$#words
	print -rn -- "$line"$'\\t'
	source $file
	print
done
"""


def ctl(*args):
    return run([build_dir() / "outagectl", *args], check=False)


@pytest.fixture(scope="module")
def helps():
    """Command -> its --help."""
    names = re.findall(r"^  ([a-z]+)\b", ctl("help", "admin").stdout, re.M)
    return {name: ctl(name, "--help").stdout for name in names}


def options(text):
    return set(re.findall(r"^  (?:-[a-z], )?(--[a-z-]+)", text, re.M))


def test_help_admin_lists_what_help_lists_and_more(helps):
    everyday = re.findall(r"^  ([a-z]+)\b", ctl("--help").stdout, re.M)
    assert set(everyday) - {"help"} < set(helps) and {"declare", "import", "replay", "report"} <= set(helps)
    assert ctl("help", "replay").stdout == helps["replay"]


def test_every_command_shows_an_example_that_begins_with_it(helps):
    for name, text in helps.items():
        assert f"outagectl {name}" in text.splitlines()[1], name
        example = text.partition("\nExample:\n")[2]
        assert f"outagectl {name}" in example, name
        # What the example uses is there.
        assert set(re.findall(r"outagectl %s.*?(--[a-z-]+)" % name, example)) <= options(text), name


def completions(shell, script, file, helps):
    lines = ["", *(f"{name} --" for name in helps), "declare ", "check --incident ", "accounts ", "help ", "replay --html ", "imp", "import stat"]
    done = subprocess.run([shell, *(["-f"] if shell == "zsh" else ["--norc"]), "-c", script, shell, TOP / "packaging" / "completion" / file,
                           build_dir() / "outagectl"], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=120, cwd=TOP)
    assert done.returncode == 0, done
    answers = [line.split("\t") for line in done.stdout.splitlines()]
    assert [answer[0].strip() for answer in answers] == [line.strip() for line in lines], done
    return {line: {word.rstrip("=") for word in answer[1:] if word} for line, answer in zip(lines, answers)}


@pytest.mark.parametrize("shell, script, file", [("bash", BASH, "outagectl.bash"), ("zsh", ZSH, "_outagectl")],
                         ids=["bash", "zsh"])
def test_completion_knows_every_command_and_option(helps, shell, script, file):
    assert shutil.which(shell), f"{shell} is missing: scripts/install-deps installs it"
    found = completions(shell, script, file, helps)
    assert set(helps) | {"help"} == found[""]
    for name, text in helps.items():
        assert options(text) == found[f"{name} --"], name
    assert {"P1", "P2", "P3"} <= found["declare "]
    assert {"P1", "P2", "P3", "resolved"} == found["check --incident "]
    assert {"list", "set", "remove", "import"} <= found["accounts "] and found["help "] == {"admin"}
    assert found["replay --html "] & {"README.md", "FILES"}
    if shell == "bash":  # zsh itself leaves out what does not begin so
        assert found["imp"] == {"import"} and found["import stat"] == {"statuspage"}


def test_a_slip_of_the_finger_is_told_what_it_may_have_been():
    done = ctl("declaer", "P1")
    assert done.returncode == 2 and "is it declare?" in done.stderr
    assert "outagectl declare --help" in ctl("declare", "P9").stderr
    assert "help admin" in ctl("nonsense").stderr
