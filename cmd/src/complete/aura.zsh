#compdef aura
# Completions of aura for zsh. What fits is asked of aura itself, so they never grow old.
_aura() {
    local -a found described
    local line
    found=("${(@f)$("${words[1]}" __complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    for line in "${(@)found:#}"; do
        described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    if (( ${#described} )); then
        _describe -V aura described
    else
        _files
    fi
}
if [ "${funcstack[1]}" = "_aura" ]; then
    _aura "$@"
else
    compdef _aura aura
fi
