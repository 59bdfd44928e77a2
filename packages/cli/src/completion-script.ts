const BASH = `# Completion of portward for bash: source <(portward complete bash)
_portward() {
  local candidate
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("$(printf %q "$candidate")")
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _portward portward
`;

const ZSH = `#compdef portward
# Completion of portward for zsh: source <(portward complete zsh)
_portward() {
  local -a candidates
  candidates=("\${(@f)$("\${words[1]}" __complete "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a candidates
}
compdef _portward portward
`;

const FISH = `# Completion of portward for fish: portward complete fish | source
function __portward_complete
  set -l typed (commandline -opc) (commandline -ct)
  $typed[1] __complete $typed[2..-1] 2>/dev/null
end
complete -c portward -f -a '(__portward_complete)'
`;

/** The completion script for a shell; undefined for a shell that has none. */
export function completionScript(shell: string): string | undefined {
  return new Map([
    ['bash', BASH],
    ['zsh', ZSH],
    ['fish', FISH],
  ]).get(shell);
}
