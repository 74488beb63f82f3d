# Completions of easy-bhyve and of its links, for bash(1).
_easy_bhyve() {
    local line=${COMP_LINE:0:COMP_POINT} before
    local -a found
    mapfile -t found < <(COMMAND_LINE=$line @PROGRAM@ complete --line bash 2>/dev/null)
    case ${found[0]} in
        @default | @files*)
            compopt -o default
            return
            ;;
    esac
    # bash takes a word apart at = and other signs: only the part behind the last such sign is replaced.
    before=${line%"$2"}
    before=${before##*[[:space:]]}
    before=${before//[\"\'\\]/}
    COMPREPLY=("${found[@]#"$before"}")
    [[ ${#found[@]} -eq 1 && ${found[0]} == *= ]] && compopt -o nospace
}
complete -F _easy_bhyve easy-bhyve $(@PROGRAM@ complete --links 2>/dev/null)
