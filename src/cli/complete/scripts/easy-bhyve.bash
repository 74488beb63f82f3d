# Completions of easy-bhyve and of its links, for bash(1).
_easy_bhyve() {
    local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]} found before
    local -a words
    # bash takes a word apart at = and other signs: the line has it whole.
    IFS=$' \t\n' read -r -a words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    mapfile -t found < <(@PROGRAM@ complete -- "${words[@]}" 2>/dev/null)
    if [[ ${found[0]} == @files ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    fi
    # Only the part behind the last such sign is replaced.
    [[ $current == [=:@] ]] && current=
    before=${words[${#words[@]} - 1]}
    before=${before%"$current"}
    COMPREPLY=("${found[@]#"$before"}")
    [[ ${#found[@]} -eq 1 && ${found[0]} == *= ]] && compopt -o nospace
}
complete -F _easy_bhyve easy-bhyve $(@PROGRAM@ complete --links 2>/dev/null)
