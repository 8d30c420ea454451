#!/bin/bash
# What a compiler does not check: who may know whom,
# sizes, format, shell scripts, cppcheck, manuals.  Prints TAP.
#
#	scripts/lint.sh
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

n=0
failed=0

# report NAME FINDINGS: one test, good if there is nothing to say.
report() {
	n=$((n + 1))
	if [[ -z $2 ]]; then
		printf 'ok %d - %s\n' "$n" "$1"
	else
		printf 'not ok %d - %s\n' "$n" "$1"
		printf '# %s\n' "${2//$'\n'/$'\n# '}"
		failed=$((failed + 1))
	fi
}

# skip NAME PROGRAM: said with its reason.
skip() {
	n=$((n + 1))
	printf 'ok %d - %s # SKIP no %s here\n' "$n" "$1" "$2"
}

# with PROGRAM NAME FUNCTION
with() {
	if command -v "$1" >/dev/null; then
		report "$2" "$("$3" 2>&1)"
	else
		skip "$2" "$1"
	fi
}

sources() { git ls-files --cached --others --exclude-standard -- "$@"; }
c_files() { sources 'src/*.[ch]' 'scenarios/*.[ch]' 'tests/*.[ch]'; }

# --- who may know whom -------------------------------------------------------

# A line is: rule | where | but not there | what must not occur.
# Places are git's pathspecs, several by space; the last is a regular
# expression (grep -E) over lines without comments.
rules() {
	cat <<'END'
verbs headers only in rdma/ and transport/verbs_* | src scenarios | src/rdma src/transport/verbs_* | #include <(infiniband/|rdma/)
transports know no scenario, run or work | src/transport | | #include "(run/|work/|scenarios/|list\.h|ctl/)
work/ knows no scenario | src/work | | #include "(run/scenario\.h|scenarios/|list\.h)
rdma/ knows no transport, run or scenario | src/rdma | | #include "(transport/|run/|work/|ctl/|list\.h)
base/ knows nothing of the rest | src/base | | #include "(metric|machine|ctl|rdma|transport|run|work|rlog|result|report)/
metric/ knows base/ at most | src/metric | | #include "(machine|ctl|rdma|transport|run|work|rlog|result|report)/
ctl/ carries words: it knows no trial | src/ctl | | #include "(run|work|transport|rdma|scenarios|result|report|info)/
only main.c and cmd_* know the command line | src scenarios | src/main.c src/cmd_* src/cmd.h | #include ["<](cmd\.h|getopt\.h)
only main.c and cmd_* exit | src scenarios | src/main.c src/cmd_* | (^|[^_[:alnum:]])exit\(
only main.c and cmd_* print | src scenarios | src/main.c src/cmd_* | (^|[^_[:alnum:]])(v?printf|puts|putchar|perror)\(|(^|[^_[:alnum:]])(stdout|stderr)([^_[:alnum:]]|$)
metric/ and rlog/ do no I/O | src/metric src/rlog | | (^|[^_[:alnum:]])(v?f?printf|dprintf|puts|fputs|fwrite|fopen|fdopen|popen|system|open|openat|read|pread|write|pwrite|mmap|socket|connect|send|recv|clock_gettime|time)\(|#include <(sys/socket|sys/mman|fcntl|unistd)\.h>
base/ does no I/O but on streams it is given | src/base | src/base/clock.c | (^|[^_[:alnum:]])(fopen|fdopen|popen|system|open|openat|read|pread|write|pwrite|socket|connect|send|recv)\(|#include <(sys/socket|fcntl)\.h>
END
}

# Code without comments, one "file:line:text" a line.
code_of() {
	awk '
	FNR == 1 { open = 0 }
	{
		line = $0
		out = ""
		while (line != "") {
			if (open) {
				i = index(line, "*/")
				if (!i) break
				line = substr(line, i + 2)
				open = 0
			}
			i = index(line, "/*")
			if (!i) { out = out line; break }
			out = out substr(line, 1, i - 1)
			line = substr(line, i + 2)
			open = 1
		}
		if (out != "") print FILENAME ":" FNR ": " out
	}' "$@"
}

broken_rule() { # WHERE NOT PATTERN
	local -a where not files
	local place
	read -ra where <<<"$1"
	read -ra not <<<"$2"
	for place in "${not[@]}"; do
		where+=(":(exclude)$place")
	done
	mapfile -t files < <(sources "${where[@]}" | grep '\.[ch]$')
	((${#files[@]})) || return 0
	code_of "${files[@]}" | grep -E "^[^:]*:[0-9]*:.*($3)"
}

check_rules() {
	local name where not pattern
	while IFS='|' read -r name where not pattern; do
		report "${name% }" "$(broken_rule "$where" "$not" "${pattern# }")"
	done < <(rules | sed 's/ | / |/; s/ | / |/; s/ | / |/')
}

# --- sizes -------------------------------------------------------------------

long_files() {
	c_files | xargs wc -l |
		awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }'
}

long_functions() {
	local limit=80
	c_files | ctags --c-kinds=f --fields=+ne --sort=no -f - -L - |
		awk -F '\t' -v limit=$limit '{
			begin = end = 0
			for (i = 4; i <= NF; i++) {
				if ($i ~ /^line:/) begin = substr($i, 6)
				if ($i ~ /^end:/) end = substr($i, 5)
			}
			if (end - begin >= limit)
				print $2 ":" begin ": " $1 ": " \
					end - begin + 1 " lines"
		}'
}

# --- the tree ----------------------------------------------------------------

# Where it was written is nobody's business: home folders, private networks'
# names, package mirrors.
machine_paths() {
	local home='/(home|Users)/[a-z]|/root/'
	local net='[[:alnum:]]\.(internal|corp|intranet|lan)([^[:alnum:]]|$)'
	local mirror='artifactory|nexus|index-url|https?://[^/ ]*(mirror|proxy|registry)'
	sources . | grep -v '^scripts/lint\.sh$' |
		xargs grep -InE "(^|[^[:alnum:]_.])/work/|$home|$net|$mirror"
}

format() {
	c_files | xargs clang-format --dry-run 2>&1 |
		sed -n 's/: warning: code should be clang-formatted.*//p' |
		cut -d: -f1 | sort | uniq -c |
		awk '{ print $2 ": clang-format would change " $1 " places" }'
}

# Not asked of tests/cli, whose tests are functions called by name and
# strings for eval: SC2016 (no expansion in single quotes), SC2034 (unused)
# and SC2317 (unreachable).
scripts_ok() {
	sources 'scripts/*.sh' .ci/run | xargs shellcheck -x -P SCRIPTDIR
	sources 'tests/cli/*.sh' |
		xargs shellcheck -x -P SCRIPTDIR -e SC2016,SC2034,SC2317
}

# Suppressed: toomanyconfigs and normalCheckLevelMaxBranches are remarks on
# cppcheck's own limits, missingIncludeSystem on ours (no system headers).
# ctuuninitvar: it does not see that recv() fills the greeting whose size
# was just compared.
# What it found in a file is kept: a second run reads what has changed.
cppcheck_ok() {
	mkdir -p build/cppcheck
	cppcheck --quiet --cppcheck-build-dir=build/cppcheck --inline-suppr --std=c11 --platform=unix64 \
		--enable=warning,portability,performance \
		--suppress=toomanyconfigs --suppress=missingIncludeSystem \
		--suppress=normalCheckLevelMaxBranches \
		--suppress=ctuuninitvar:src/transport/tcp_link.c \
		-D__cppcheck__ -D_GNU_SOURCE -DHAVE_IBV_WR_FLUSH=1 -D__x86_64__ -D__GNUC__ -DRDMABENCH_VERSION='""' \
		-Isrc -Iscenarios src scenarios
}

manuals() {
	local -a pages
	mapfile -t pages < <(sources 'man/*.[1-9]' 'man/*.[1-9].in')
	local page
	for page in build/man/*.[157]; do
		[[ ! -f $page ]] || pages+=("$page")
	done
	((${#pages[@]})) && mandoc -Tlint -Wwarning "${pages[@]}"
}

check_rules
report 'no file is longer than 600 lines' "$(long_files)"
with ctags 'no function is longer than 80 lines' long_functions
report 'no paths or hosts of a machine' "$(machine_paths)"
with clang-format 'clang-format has nothing to change' format
with shellcheck 'shellcheck' scripts_ok
with cppcheck 'cppcheck' cppcheck_ok
with mandoc 'mandoc' manuals
printf '1..%d\n' "$n"
((failed == 0))
