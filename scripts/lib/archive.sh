# shellcheck shell=bash
# archive.sh: where this machine gets its Debian packages from.  Sourced.

# Prints the address of the main archive that apt is configured with.
archive_uri() {
	local codename target release component
	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # apt expands these
	while IFS='|' read -r target release component; do
		[[ $component == main ]] || continue
		case $release in
		"$codename" | stable | oldstable)
			printf '%s\n' "$target"
			return
			;;
		esac
	done < <(apt-get indextargets 'Created-By: Packages' \
		--format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)' 2>/dev/null)
	return 1
}
