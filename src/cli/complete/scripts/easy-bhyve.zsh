# Completions of easy-bhyve and of its links, for zsh(1).
_easy_bhyve() {
    local line word
    local -a open shown_open whole shown_whole
    for line in "${(@f)$(@PROGRAM@ complete --describe -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        word=${line%%$'\t'*}
        case $word in
            @default)
                _default
                return
                ;;
            @files*)
                [[ $word == *= ]] && compset -P 1 '*='
                _files
                return
                ;;
        esac
        [[ -n $word ]] || continue
        if [[ $word == *= ]]; then
            open+=($word) shown_open+=("${line/$'\t'/  -- }")
        else
            whole+=($word) shown_whole+=("${line/$'\t'/  -- }")
        fi
    done
    compadd -l -S '' -d shown_open -a open
    compadd -l -d shown_whole -a whole
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -u }
compdef _easy_bhyve easy-bhyve
# Behind the completions of commands whose names end in that of a verb, too.
compdef -P _easy_bhyve '*-@VERB@'
