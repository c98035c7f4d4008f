# What the scripts share. Sourced by bash with the top of the source tree as current folder, $work being a folder of the caller's.

say() {
	printf '== %s\n' "$*"
}

# Runs a long command quietly; where it fails, shows what it said.
quietly() {
	local log
	log=$(mktemp "$work/log.XXXXXX")
	if ! "$@" >"$log" 2>&1; then
		tail -n 60 "$log" >&2
		echo "failed: $*" >&2
		return 1
	fi
}

# Postfix needs root: as anybody else, through sudo.
run_as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

# copy_source: into $work/source, with what configure is made from; what git would commit, so that nothing in the source tree changes
# and two builds never meet.
copy_source() {
	mkdir -p "$work/source"
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files -z --cached --others --exclude-standard
	else
		find . -path ./.git -prune -o -type f -print0
	fi | (while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done) |
		tar --null --files-from=- -cf - | tar -C "$work/source" -xf -
	# A source tree that was configured in place cannot be built elsewhere.
	rm -f "$work/source/config.status" "$work/source/Makefile"
	(cd "$work/source" && quietly autoreconf -fi)
}

# build_in FOLDER [configure's options]: builds out of tree, from a copy.
build_in() {
	local folder=$1
	shift
	say "building${*:+ with $*}"
	[ -e "$work/source" ] || copy_source
	mkdir -p "$folder"
	(cd "$folder" && quietly "$work/source/configure" "$@" && quietly make -j"$(nproc)")
}
