# Completions of easy-bhyve and of its links, for fish(1).
function __easy_bhyve_words
    set -lx COMMAND_LINE (commandline -cp | string collect)
    @PROGRAM@ complete --line fish --describe 2>/dev/null
end
# Whether the command is a link of a VM: others can end in the name of a verb, too.
function __easy_bhyve_is_link
    set -l found (__easy_bhyve_words)
    test "$found[1]" != @default
end
complete -c easy-bhyve -f -a '(__easy_bhyve_words)'
# fish resolves the link that is called by its name.
complete -p '*/easy-bhyve' -f -a '(__easy_bhyve_words)'
complete -p '*/*-@VERB@' -n __easy_bhyve_is_link -f -a '(__easy_bhyve_words)'
