import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';

const SHELLS = ['bash', 'zsh', 'fish'];

export function register(program: Command, io: CliIo): void {
  program
    .command('completion')
    .argument('<shell>', SHELLS.join(', '))
    .description('a completion script, e.g. for ~/.bashrc: source <(licet completion bash)')
    .exitOverride()
    .action((shell: string) => {
      if (!SHELLS.includes(shell)) {
        throw new CliError(EXIT.usage, 'SHELL_UNKNOWN', `There is completion for ${SHELLS.join(', ')}.`);
      }
      const words = wordsOf(program);
      io.out(shell === 'fish' ? fish(words) : bash(words, shell === 'zsh'));
    });
}

/** What may follow each sequence of commands: '' → verify, site, …; 'site' → create, …; 'site create' → --name, …. */
function wordsOf(command: Command, path = ''): [string, string[]][] {
  const own = [...command.commands.map((it) => it.name()), ...command.options.map((it) => it.long ?? '')].filter(
    Boolean,
  );
  const below = command.commands.flatMap((it) => wordsOf(it, path === '' ? it.name() : `${path} ${it.name()}`));
  return [[path, own], ...below];
}

const bash = (
  words: readonly [string, string[]][],
  isZsh: boolean,
): string => `${isZsh ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}_licet() {
  local path= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && break
    path="\${path:+$path }$word"
  done
  local words=
  while :; do
    case "$path" in
${words.map(([path, own]) => `      '${path}') words='${own.join(' ')}'; break ;;`).join('\n')}
    esac
    [[ $path == *' '* ]] && path="\${path% *}" || path=
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [[ \${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _licet licet`;

const fish = (words: readonly [string, string[]][]): string =>
  words
    .flatMap(([path, own]) => {
      const seen =
        path === ''
          ? '__fish_use_subcommand'
          : path
              .split(' ')
              .map((it) => `__fish_seen_subcommand_from ${it}`)
              .join('; and ');
      return own.map((word) =>
        word.startsWith('--')
          ? `complete -c licet -n '${seen}' -l ${word.slice(2)}`
          : `complete -c licet -f -n '${seen}' -a ${word}`,
      );
    })
    .join('\n');
