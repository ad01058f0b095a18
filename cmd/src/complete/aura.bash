# Completions of aura for bash. What fits is asked of aura itself, so they never grow old.
_aura() {
    local line="${COMP_LINE:0:COMP_POINT}" found cut=""
    local word="${line##*[[:space:]]}"
    # Bash replaces what stands behind its own breaks alone, and a model's name holds one.
    if [[ "$word" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then cut="${word%"${word##*:}"}"; fi
    if [[ "$word" == *=* && "$COMP_WORDBREAKS" == *=* ]]; then cut="${word%"${word##*[:=]}"}"; fi
    COMPREPLY=()
    while IFS=$'\t' read -r found _; do
        COMPREPLY+=("${found#"$cut"}")
    done < <("$1" __complete --line "$line" 2>/dev/null)
}
complete -o default -F _aura aura
