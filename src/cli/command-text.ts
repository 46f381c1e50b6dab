/** The command that a person can copy to go on. */

const PLAIN = /^[\w@%+=:,./-]+$/;

/** The command as it was typed, with `flag` added unless it is there already: `boatload run in.jsonl -o out.jsonl --resume`. */
export function commandText(args: readonly string[], flag: string): string {
  const all = args.includes(flag) ? args : [...args, flag];
  return ['boatload', ...all].map(quote).join(' ');
}

/** Single quotes, as every POSIX shell reads them. */
const quote = (word: string): string => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
